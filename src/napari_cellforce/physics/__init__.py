"""Mechanics in numpy and scipy: the contractile sheet, the elastic half-space, decompositions."""

"""Mechanics in numpy and scipy: contractile sheet, elastic half-space, decompositions, bead tracking."""

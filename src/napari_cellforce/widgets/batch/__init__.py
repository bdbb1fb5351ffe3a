"""The panel "Batch-process folder", with the watching of a growing one."""

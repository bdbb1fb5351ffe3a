"""Learning from measured or simulated cells: training, fine-tuning, calibration."""

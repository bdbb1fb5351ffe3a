"""The panel "Models": which predictors there are, and what they are good for."""

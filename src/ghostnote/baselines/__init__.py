"""What a model has to beat: simple methods, fitted on the training split, and the paper's rows."""

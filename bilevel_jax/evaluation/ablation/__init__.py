"""The ablation: the same training with one thing changed in each row, evaluated in three ways."""

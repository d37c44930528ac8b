"""What things cost: the methods of the core, and a training on an accelerator."""

"""Where the models of mien are made and measured."""

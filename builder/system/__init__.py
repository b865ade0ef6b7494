"""The attribute system: groups of options and rules, its files, and checks without images."""

"""What the table of models in packages is made with: classes of the packages."""

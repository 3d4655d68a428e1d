"""The trainings that several papers share."""

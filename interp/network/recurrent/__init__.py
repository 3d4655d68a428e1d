"""Recurrent networks, run a time step at a time so that every gate can be read and changed."""

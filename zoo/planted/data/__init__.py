"""Labelled samples that planted networks are built on."""

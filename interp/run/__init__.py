"""Stages in order, on one model, one data set and one folder."""

"""What layers of many trained networks are read as: trained, read and put into one table."""

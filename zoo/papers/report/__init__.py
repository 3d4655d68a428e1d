"""How a reproduction is written down: published figures beside ours, rules of agreement, tables and figures."""

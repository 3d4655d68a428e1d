"""Networks as they are initialised, and what short training makes of them."""

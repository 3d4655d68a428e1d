"""Operations that a file states, in one form for all formats, and the module that runs them."""

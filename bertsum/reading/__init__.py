"""Files as people have them -> text, with what in it is structure."""

"""The pictures and pages of the help, drawn and written from the code itself."""

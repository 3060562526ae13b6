// The script of the pages: it makes quicker what also works without it.

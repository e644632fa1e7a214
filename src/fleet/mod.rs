//! A fleet of machines in virtual time against a server that cannot take them all at once.

"""Where the second level of a bilevel problem helps image fusion: small problems with known answers, row by row."""

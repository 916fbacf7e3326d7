// Package ident is for applications whose tables have an integer key and a uuid beside it. It reads an
// identifier that may be either, and makes UUIDs of version 7. It needs nothing beyond the standard
// library.
//
// # Either identifier
//
// Parse reads what stands in a path or a form, strictly. The ID says which of the two it is, travels
// through JSON, text and database/sql, and writes the condition that finds its row:
//
//	id, err := ident.Parse(r.PathValue("id"))
//	if err != nil {
//		http.Error(w, err.Error(), http.StatusBadRequest)
//		return
//	}
//	condition, argument := id.Where("id", "uuid")
//	row := db.QueryRowContext(r.Context(), "SELECT email FROM users WHERE "+condition, argument)
//
// # UUIDs made by the application
//
// The column that rekey adds has a default, so an INSERT that leaves it out gets a UUID from the
// database. An INSERT that names the column takes precedence: the default is then not computed. So an
// application that wants to know the UUID before the row is there makes it with NewV7 and sends it:
//
//	u := ident.NewV7()
//	_, err := db.ExecContext(ctx, "INSERT INTO users (uuid, email) VALUES ($1, $2)", u, email)
//
// Both ways write the time alike, so they sort together, as far as the clocks of the two machines
// agree. The module in examples/ident has this for pgx, database/sql, GORM, bun, ent and sqlc.
//
// UUID is an array of 16 bytes, and the functions that take a UUID are generic over such arrays: values
// of google/uuid, gofrs/uuid and Go 1.27's uuid go in as they are, and come out by a conversion or by
// NewV7As.
//
// # What a UUID tells
//
// Of the 128 bits 6 are the version and the variant. NewV7 writes 68 bits of time and 54 random ones;
// V7At writes 60 bits of time and 62 random ones, of which the values of one instant share some: one
// that is known leaves 32 unknown bits to the next. All are drawn from crypto/rand, in batches of 2
// kilobytes. Anyone who holds the UUID reads when it was made, NewV7's to the nanosecond; where that
// must not be known, a UUID of version 4 is right, and this package makes none. While a clock that was
// set back catches up, two UUIDs of NewV7 also tell how many were made between them.
//
// An ID or a UUID is a name, not a permission: look whether the caller may see the row.
package ident

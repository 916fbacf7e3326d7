// Package ident is for applications whose tables have both an integer key and a uuid. It reads identifiers of either
// kind and creates UUIDs of version 7. It needs only the standard library.
//
// # Either identifier
//
// Parse reads an identifier from a path or a form, strictly. The ID knows its kind, can be sent and read as JSON, as
// text and by database/sql, and returns the condition that finds its row:
//
//	id, err := ident.Parse(r.PathValue("id"))
//	if err != nil {
//		http.Error(w, err.Error(), http.StatusBadRequest)
//		return
//	}
//	condition, argument := id.Where("id", "uuid")
//	row := db.QueryRowContext(r.Context(), "SELECT email FROM users WHERE "+condition, argument)
//
// # UUIDs created by the application
//
// The column that rekey adds has a default, so an INSERT that omits the column gets a UUID from the database. An INSERT
// that names the column does not evaluate the default. An application that needs the UUID before the row exists creates
// it with NewV7 and sends it:
//
//	u := ident.NewV7()
//	_, err := db.ExecContext(ctx, "INSERT INTO users (uuid, email) VALUES ($1, $2)", u, email)
//
// Both write the time in the same way, so their values sort together, as far as the clocks of the two machines agree.
// The module in examples/ident contains this for pgx, database/sql, GORM, bun, ent and sqlc.
//
// UUID is an array of 16 bytes, and the functions that take a UUID accept any such array: pass values of google/uuid,
// gofrs/uuid and Go 1.27's uuid directly, and convert results with a conversion or with NewV7As.
//
// # What a UUID reveals
//
// Of the 128 bits, 6 are the version and the variant. NewV7 writes 68 bits of time and 54 random bits. V7At writes 60
// bits of time and 62 random bits. Values of one instant share some of them: if one value is known, the next has 32
// unknown bits. All random bits come from crypto/rand, in batches of 2 kilobytes. Everyone who has the UUID
// can read when it was created, with NewV7 to the nanosecond. If that must stay secret, use a UUID of version 4, which
// this package does not create. While a clock that was set back catches up, two UUIDs of NewV7 also reveal how many were
// created between them.
//
// An ID or a UUID is a name, not a permission: check whether the caller may see the row.
package ident

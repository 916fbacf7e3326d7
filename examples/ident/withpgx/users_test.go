package withpgx

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/rekey-pg/rekey/ident"
)

// Insert, InsertMany and Both need pgx to send and receive a UUID and an ID in both of its formats.
func TestValuesPassThroughPgx(t *testing.T) {
	types, u := pgtype.NewMap(), ident.NewV7()
	for _, format := range []int16{pgtype.TextFormatCode, pgtype.BinaryFormatCode} {
		for _, value := range []any{u, [16]byte(u), ident.FromUUID(u)} {
			wire, err := types.Encode(pgtype.UUIDOID, format, value, nil)
			if err != nil {
				t.Fatalf("%T in format %d: %v", value, format, err)
			}
			var back ident.UUID
			var id ident.ID
			if err := types.Scan(pgtype.UUIDOID, format, wire, &back); err != nil || back != u {
				t.Errorf("%T in format %d came back as %v (%v)", value, format, back, err)
			}
			if err := types.Scan(pgtype.UUIDOID, format, wire, &id); err != nil || id != ident.FromUUID(u) {
				t.Errorf("%T in format %d came back as the ID %v (%v)", value, format, id, err)
			}
		}
		wire, err := types.Encode(pgtype.Int8OID, format, ident.FromInt64(-7), nil)
		var id ident.ID
		if err == nil {
			err = types.Scan(pgtype.Int4OID, pgtype.TextFormatCode, []byte("-7"), &id)
		}
		if err != nil || wire == nil || id != ident.FromInt64(-7) {
			t.Errorf("-7 in format %d came back as %v (%v)", format, id, err)
		}
	}
}

// InsertOrder and MoveOrder send an ID to a column of either type, which may be an integer or a bigint.
func TestKeysOfOrders(t *testing.T) {
	types, u := pgtype.NewMap(), ident.FromUUID(ident.NewV7())
	for _, c := range []struct {
		column string
		oid    uint32
		user   ident.ID
	}{{"user_id", pgtype.Int4OID, ident.FromInt64(42)}, {"user_id", pgtype.Int8OID, ident.FromInt64(42)}, {"user_uuid", pgtype.UUIDOID, u}} {
		for _, format := range []int16{pgtype.TextFormatCode, pgtype.BinaryFormatCode} {
			wire, err := types.Encode(c.oid, format, c.user, nil)
			var back ident.ID
			if err == nil {
				err = types.Scan(c.oid, format, wire, &back)
			}
			if err != nil || back != c.user || userColumn(c.user) != c.column {
				t.Errorf("%v for %s in format %d came back as %v (%v)", c.user, userColumn(c.user), format, back, err)
			}
		}
	}
}

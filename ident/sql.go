package ident

import (
	"database/sql/driver"
	"fmt"
)

// Value implements driver.Valuer: an int64, a UUID's canonical text, or NULL for the zero ID.
func (id ID) Value() (driver.Value, error) { return id.value(), nil }

func (id ID) value() driver.Value {
	switch id.kind {
	case KindInteger:
		return id.integer
	case KindUUID:
		return id.uuid.String()
	case KindNone:
	}
	return nil
}

// Scan implements sql.Scanner. It reads an int64, a text that Parse reads, or NULL, which becomes the zero ID. It
// reads bytes as text: 16 bytes are the digits of an integer and not a UUID, since no driver of PostgreSQL returns a
// uuid as 16 bytes. After an error the ID is unchanged.
func (id *ID) Scan(src any) error {
	switch value := src.(type) {
	case nil:
		*id = ID{}
		return nil
	case int64:
		*id = FromInt64(value)
		return nil
	case string:
		return id.UnmarshalText([]byte(value))
	case []byte:
		return id.UnmarshalText(value)
	case [16]byte:
		*id = FromUUID(value)
		return nil
	}
	return fmt.Errorf("ident: cannot read a %T as an identifier", src)
}

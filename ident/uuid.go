package ident

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// UUID is a UUID, most significant byte first. Like the types of github.com/google/uuid, github.com/gofrs/uuid and Go
// 1.27's uuid it is an array of 16 bytes, so that they can be converted into each other at no cost:
// uuid.UUID(ident.NewV7()). UUIDs can be compared with ==.
type UUID [16]byte

// String returns the canonical text in lower case.
func (u UUID) String() string {
	var text [textLength]byte
	return string(appendUUID(text[:0], u))
}

func appendUUID(dst []byte, u UUID) []byte {
	dst = hex.AppendEncode(dst, u[:4])
	for _, group := range [...][2]int{{4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		dst = append(dst, '-')
		dst = hex.AppendEncode(dst, u[group[0]:group[1]])
	}
	return dst
}

// AppendText implements encoding.TextAppender. It never fails.
func (u UUID) AppendText(dst []byte) ([]byte, error) { return appendUUID(dst, u), nil }

// MarshalText implements encoding.TextMarshaler, which makes a UUID a string in JSON. It never fails.
func (u UUID) MarshalText() ([]byte, error) { return u.AppendText(nil) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseUUID.
func (u *UUID) UnmarshalText(text []byte) error {
	parsed, err := ParseUUID(string(text))
	if err != nil {
		return err
	}
	*u = parsed
	return nil
}

// Value implements driver.Valuer: the canonical text, which every driver of PostgreSQL accepts for a uuid.
func (u UUID) Value() (driver.Value, error) { return u.String(), nil }

// Scan implements sql.Scanner. It reads the canonical text or 16 bytes. NULL is an error: read a nullable column into
// a sql.Null[ident.UUID].
func (u *UUID) Scan(src any) error {
	switch value := src.(type) {
	case string:
		return u.UnmarshalText([]byte(value))
	case []byte:
		if len(value) == len(u) {
			copy(u[:], value)
			return nil
		}
		return u.UnmarshalText(value)
	case [16]byte:
		*u = value
		return nil
	}
	return fmt.Errorf("ident: cannot read a %T as a UUID", src)
}

// Time returns the time in a UUID of version 7, to the millisecond, in UTC. It returns false for every other UUID. It
// ignores the bits below the millisecond, which differ between generators (RFC 9562, section 6.2).
func Time[T ~[16]byte](u T) (time.Time, bool) {
	raw := [16]byte(u)
	if raw[6]>>4 != version || raw[8]>>6 != variant {
		return time.Time{}, false
	}
	millisecond := binary.BigEndian.Uint64(raw[:8]) >> 16
	return time.UnixMilli(int64(millisecond)).UTC(), true
}

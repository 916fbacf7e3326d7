package ident

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// UUID is a UUID, most significant byte first. It is an array of 16 bytes like the types of
// github.com/google/uuid, github.com/gofrs/uuid and Go 1.27's uuid, so that one converts into the
// other without cost: uuid.UUID(ident.NewV7()). Two are equal with ==.
type UUID [16]byte

// String is the canonical text in lower case.
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

// AppendText is an encoding.TextAppender. It never fails.
func (u UUID) AppendText(dst []byte) ([]byte, error) { return appendUUID(dst, u), nil }

// MarshalText is an encoding.TextMarshaler. It never fails. encoding/json writes a string by it.
func (u UUID) MarshalText() ([]byte, error) { return u.AppendText(nil) }

// UnmarshalText is an encoding.TextUnmarshaler; it reads what ParseUUID reads.
func (u *UUID) UnmarshalText(text []byte) error {
	parsed, err := ParseUUID(string(text))
	if err != nil {
		return err
	}
	*u = parsed
	return nil
}

// Value is a driver.Valuer: the canonical text, which every driver of PostgreSQL takes for a uuid.
func (u UUID) Value() (driver.Value, error) { return u.String(), nil }

// Scan is an sql.Scanner: the canonical text, or 16 bytes as they are. NULL is an error: read a column
// that may hold it into a sql.Null[ident.UUID].
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

// Time is the moment that a UUID of version 7 carries, to the millisecond, in UTC. It is false for
// every other UUID. What stands below the millisecond differs from one maker to the next and is not
// read (RFC 9562, section 6.2).
func Time[T ~[16]byte](u T) (time.Time, bool) {
	raw := [16]byte(u)
	if raw[6]>>4 != version || raw[8]>>6 != variant {
		return time.Time{}, false
	}
	millisecond := binary.BigEndian.Uint64(raw[:8]) >> 16
	return time.UnixMilli(int64(millisecond)).UTC(), true
}

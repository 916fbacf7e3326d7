package ident

import (
	"errors"
	"strconv"
)

// Kind is the kind of an ID.
type Kind uint8

// The kinds of an ID.
const (
	KindNone    Kind = iota // the zero ID, which is no identifier
	KindInteger             // an integer, see Int64
	KindUUID                // a UUID, see UUID
)

// String returns "none", "integer" or "uuid".
func (k Kind) String() string {
	switch k {
	case KindInteger:
		return "integer"
	case KindUUID:
		return "uuid"
	case KindNone:
		return "none"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// ID is an identifier that is either an integer or a UUID. IDs can be compared with == and used as map keys. The zero
// ID is no identifier: NULL in SQL, null in JSON, and without a text.
type ID struct {
	integer int64
	uuid    UUID
	kind    Kind
}

// FromInt64 returns the ID of the integer n.
func FromInt64(n int64) ID { return ID{integer: n, kind: KindInteger} }

// FromUUID returns the ID of the UUID u, which may be of any package's UUID type.
func FromUUID[T ~[16]byte](u T) ID { return ID{uuid: UUID(u), kind: KindUUID} }

// Kind returns the kind of the ID.
func (id ID) Kind() Kind { return id.kind }

// IsZero reports whether the ID is the zero ID. encoding/json uses it for omitzero.
func (id ID) IsZero() bool { return id.kind == KindNone }

// Int64 returns the integer, and whether the ID is one.
func (id ID) Int64() (int64, bool) { return id.integer, id.kind == KindInteger }

// UUID returns the UUID, and whether the ID is one. It can be converted to another package's type: uuid.UUID(u).
func (id ID) UUID() (UUID, bool) { return id.uuid, id.kind == KindUUID }

// String returns the text that Parse reads, UUIDs in lower case, or "" for the zero ID.
func (id ID) String() string {
	var text [textLength]byte
	return string(id.appendText(text[:0]))
}

func (id ID) appendText(dst []byte) []byte {
	switch id.kind {
	case KindInteger:
		return strconv.AppendInt(dst, id.integer, 10)
	case KindUUID:
		return appendUUID(dst, id.uuid)
	case KindNone:
	}
	return dst
}

// AppendText implements encoding.TextAppender. It fails for the zero ID, because UnmarshalText refuses an empty text.
func (id ID) AppendText(dst []byte) ([]byte, error) {
	if id.IsZero() {
		return dst, errors.New("ident: the zero ID has no text")
	}
	return id.appendText(dst), nil
}

// MarshalText implements encoding.TextMarshaler. It fails for the zero ID.
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText implements encoding.TextUnmarshaler with Parse. After an error the ID is unchanged.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

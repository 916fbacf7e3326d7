package ordered

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// copyBuffer collects rows for COPY in the binary format.
type copyBuffer struct{ data []byte }

func newCopyBuffer() *copyBuffer {
	return &copyBuffer{data: append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)}
}

func (c *copyBuffer) row(fields int) *copyBuffer {
	c.data = binary.BigEndian.AppendUint16(c.data, uint16(fields))
	return c
}

func (c *copyBuffer) null() *copyBuffer {
	c.data = binary.BigEndian.AppendUint32(c.data, 1<<32-1)
	return c
}

func (c *copyBuffer) int4(n int) *copyBuffer {
	c.data = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(c.data, 4), uint32(int32(n)))
	return c
}

func (c *copyBuffer) int8(n int64) *copyBuffer {
	c.data = appendInt8(c.data, n)
	return c
}

func (c *copyBuffer) bool(b bool) *copyBuffer {
	c.data = append(c.data, 0, 0, 0, 1, 0)
	if b {
		c.data[len(c.data)-1] = 1
	}
	return c
}

// texts appends an array of texts, or NULL for nil.
func (c *copyBuffer) texts(all []string) *copyBuffer {
	if all == nil {
		return c.null()
	}
	data := appendArrayHeader(nil, pgtype.TextOID, len(all))
	binary.BigEndian.PutUint32(data[4:], 0)
	for _, s := range all {
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(s))), s...)
	}
	c.data = append(binary.BigEndian.AppendUint32(c.data, uint32(len(data))), data...)
	return c
}

func (c *copyBuffer) int8s(all []int64) *copyBuffer {
	data := appendArrayHeader(nil, pgtype.Int8OID, len(all))
	binary.BigEndian.PutUint32(data[4:], 0)
	for _, n := range all {
		data = appendInt8(data, n)
	}
	c.data = append(binary.BigEndian.AppendUint32(c.data, uint32(len(data))), data...)
	return c
}

// send copies the rows into a table.
func (c *copyBuffer) send(ctx context.Context, tx pg.Tx, table sqltext.Table) error {
	c.data = append(c.data, 0xff, 0xff)
	ctx, done := tx.StatementContext(ctx)
	defer done()
	_, err := tx.Conn().PgConn().CopyFrom(ctx, progressReader{bytes.NewReader(c.data), tx}, sqltext.Format("COPY {} FROM STDIN (FORMAT binary)", table))
	return err
}

// progressReader reports progress to the transaction whenever data is read: over a slow network, COPY may take longer than
// the limit for a silent connection.
type progressReader struct {
	io.Reader
	tx pg.Tx
}

func (h progressReader) Read(into []byte) (int, error) {
	h.tx.RowArrived()
	return h.Reader.Read(into)
}

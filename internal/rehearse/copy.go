package rehearse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

// copy copies the schema, the sample and the sequences. Tables come first, then rows, then indexes, constraints and triggers, so that no
// trigger of the application fires for the copied rows. pg_dump reads in the same snapshot as the rows are read in.
func (r *rehearsal) copy(ctx context.Context) error {
	held, err := r.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer held.Release()
	to := held.Conn()
	extensions, err := r.copyExtensions(ctx, to)
	if err != nil {
		return err
	}
	r.Say("copying the schema and a sample of its rows")
	err = r.readOnly(ctx, func(tx pgx.Tx) error {
		var snapshot string
		if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&snapshot); err != nil {
			return err
		}
		source := r.Source.Config().ConnConfig
		pre, err := dump(ctx, r.program, source, r.Schema, "--section=pre-data", "--snapshot="+snapshot)
		if err != nil {
			return err
		}
		post, err := dump(ctx, r.program, source, r.Schema, "--section=post-data", "--snapshot="+snapshot)
		if err != nil {
			return err
		}
		if err := r.restorePart(ctx, to, pre, extensions); err != nil {
			return err
		}
		if err := r.copySample(ctx, tx, to); err != nil {
			return err
		}
		return r.restorePart(ctx, to, post, extensions)
	})
	if err != nil {
		return err
	}
	_, err = to.Exec(ctx, "RESET ALL; ANALYZE")
	return err
}

// extension is an extension of the source's database.
type extension struct{ Name, Schema string }

func readExtensions(ctx context.Context, tx pgx.Tx) ([]extension, error) {
	found, err := tx.Query(ctx, "SELECT e.extname::text, n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql' ORDER BY 1")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByPos[extension])
}

// copyExtensions makes the source's extensions that a role without superuser may make, and returns the others.
func (r *rehearsal) copyExtensions(ctx context.Context, to *pgx.Conn) (left []string, err error) {
	for _, e := range r.extensions {
		sql := sqltext.Format("CREATE SCHEMA IF NOT EXISTS {}; CREATE EXTENSION IF NOT EXISTS {} SCHEMA {}", sqltext.Name(e.Schema), sqltext.Name(e.Name), sqltext.Name(e.Schema))
		if _, err := to.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			left = append(left, e.Name)
			r.result.LeftOut = append(r.result.LeftOut, "extension "+visible.Line(e.Name)+": "+visible.Error(err))
		}
	}
	return left, nil
}

// restorePart restores a part of the dump. A table that cannot be made refuses the rehearsal; anything else is left out.
func (r *rehearsal) restorePart(ctx context.Context, to *pgx.Conn, text string, extensions []string) error {
	left, err := restore(ctx, to, text)
	if err != nil {
		return err
	}
	for _, line := range left {
		if what, why, _ := strings.Cut(line, ": "); strings.HasPrefix(what, "table ") {
			return message.SchemaNotCopied(what, why, strings.Join(extensions, ", "))
		}
	}
	r.result.LeftOut = append(r.result.LeftOut, left...)
	return nil
}

// copySample copies the sampled rows, and then their parents.
func (r *rehearsal) copySample(ctx context.Context, tx pgx.Tx, to *pgx.Conn) error {
	if _, err := to.PgConn().Exec(ctx, format("SET")).ReadAll(); err != nil {
		return err
	}
	for _, t := range r.tables {
		n, err := copyRows(ctx, tx, to, t, sampleOf(t, r.Share))
		if err != nil {
			return during(ctx, "rows of "+t.named().All().String(), err)
		}
		r.result.Rows += n
	}
	if r.Share < 1 && slices.ContainsFunc(r.tables, func(t table) bool { return t.Rows > 0 }) {
		parents, err := fetchParents(ctx, tx, to, r.tables, r.refs)
		if err != nil {
			return during(ctx, "parents of the sample", err)
		}
		r.result.Parents, r.result.Rows = parents, r.result.Rows+parents
	}
	return copySequences(ctx, tx, to, r.Schema)
}

// format returns statements that make the text of values the same on both servers, whatever the settings of the roles are. set is SET or
// SET LOCAL.
func format(set string) string {
	statements := []string{
		"DateStyle = 'ISO, YMD'", "IntervalStyle = postgres", "extra_float_digits = 1", "bytea_output = hex", "xmloption = content", "lc_monetary = 'C'",
	}
	return set + " " + strings.Join(statements, "; "+set+" ") +
		fmt.Sprintf("; SELECT pg_catalog.set_config('client_encoding', CASE pg_catalog.current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, %t)",
			set == "SET LOCAL")
}

// during names what failed. The end of the context stays as it is.
func during(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%s: %w", what, err)
}

package journey_test

import (
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/examples/journey"
)

// references are the columns of the foreign keys.
func references() []struct{ child, integer, uuid, parent string } {
	return []struct{ child, integer, uuid, parent string }{
		{"orders", "user_id", "user_uuid", "users"},
		{"items", "order_id", "order_uuid", "orders"},
		{"items", "product_id", "product_uuid", "products"},
		{"reviews", "user_id", "user_uuid", "users"},
		{"reviews", "product_id", "product_uuid", "products"},
		{"products", "category_id", "category_uuid", "categories"},
		{"categories", "parent_id", "parent_uuid", "categories"},
		{"product_tags", "product_id", "product_uuid", "products"},
		{"product_tags", "tag_id", "tag_uuid", "tags"},
	}
}

// proveBothKeys fails unless both columns of each reference refer to the same row.
func (r *run) proveBothKeys() {
	r.Helper()
	var rows, filled int64
	for _, one := range references() {
		sql := strings.NewReplacer("CHILD", one.child, "INTEGER", one.integer, "UUID", one.uuid, "PARENT", one.parent).Replace(
			`SELECT count(*), count(c.INTEGER), count(*) FILTER (WHERE c.UUID IS DISTINCT FROM p.uuid OR c.INTEGER IS NOT NULL AND p.id IS NULL) FROM shop.CHILD c LEFT JOIN shop.PARENT p ON p.id = c.INTEGER`)
		var n, keys, bad int64
		r.check(r.pool.QueryRow(r.Context(), sql).Scan(&n, &keys, &bad))
		if bad > 0 || keys == 0 {
			r.Errorf("%s.%s: %d of %d rows differ, %d have a parent", one.child, one.integer, bad, n, keys)
		}
		rows, filled = rows+n, filled+keys
	}
	r.Logf("both keys are equal in %d rows of %d references, %d of them with a parent", rows, len(references()), filled)
}

// count fails unless each table has as many rows as the applications have inserted and not deleted, each with its parents.
func (r *run) count() {
	r.Helper()
	found := journey.Rows{}
	for table := range r.ledger.Rows() {
		var n int64
		r.check(r.pool.QueryRow(r.Context(), "SELECT count(*) FROM shop."+table).Scan(&n))
		found[table] = n
	}
	if diff := cmp.Diff(r.ledger.Rows(), found); diff != "" {
		r.Errorf("rows (-want +got)\n%s", diff)
	}
	for _, one := range references() {
		var orphans int64
		r.check(r.pool.QueryRow(r.Context(), strings.NewReplacer("CHILD", one.child, "UUID", one.uuid, "PARENT", one.parent).Replace(
			"SELECT count(*) FROM shop.CHILD c LEFT JOIN shop.PARENT p ON p.uuid = c.UUID WHERE c.UUID IS NOT NULL AND p.uuid IS NULL")).Scan(&orphans))
		if orphans > 0 {
			r.Errorf("%d rows of %s.%s have no parent", orphans, one.child, one.uuid)
		}
	}
	if failed, errs := r.ledger.Failed(); failed > 0 {
		r.Errorf("%d operations failed:\n%s", failed, strings.Join(errs, "\n"))
	}
	ran := r.ledger.Kinds()
	for kind := range r.kinds {
		if ran[kind] == 0 {
			r.Errorf("%s never ran", kind)
		}
	}
	r.Logf("%d kinds of operations: %s; rows %v", len(ran), r.ledger, found)
}

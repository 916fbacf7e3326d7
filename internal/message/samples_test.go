package message_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/problem"
)

func chapters(t *testing.T) []chapter {
	t.Helper()
	return []chapter{
		{"Run", runSamples()},
		{"Lease and journal", journalSamples()},
		{"Errors of the server and the network during a command", faultSamples()},
		{"Connection", slices.Concat(connectionSamples(), nodeURLSamples())},
		{"Server", serverSamples()},
		{"Schemas, versions and selection", schemaSamples()},
		{"Tables", tableSamples()},
		{"Edges", edgeSamples()},
		{"Untrusted code", trustSamples()},
		{"Values", valueSamples()},
		{"Throttle and standbys", throttleSamples()},
		{"Verify", verifySamples()},
		{"Settings, on the command line", settingSamples(t, flags)},
		{"Settings, in Go", settingSamples(t, fields)},
		{"Profiles, in Go", profileSamples(t)},
		{"Command line", commandSamples(t)},
		{"Page", pageSamples()},
		{"Rehearsal", rehearsalSamples()},
		{"Demo", demoSamples()},
	}
}

const (
	orders = "app.orders"
	quoted = `"app"."orders"`
	value  = "0198c0de-0000-7000-8000-000000000001"
)

func runSamples() []sample {
	first := message.TableAltered(orders, "It was renamed to app.purchases")
	rejected := message.RejectedRow{ServerMessage: `new row for relation "orders" violates check constraint "positive" (SQLSTATE 23514)`, Row: "id = 7", Query: `SELECT * FROM "app"."orders" WHERE "id" = 7`}
	independent := rejected
	independent.FailsUnchanged, independent.Profile, independent.Undone = true, true, "The column that this run had added was dropped, so that the application can write as before."
	return []sample{
		{"message.LockTimeout", message.LockTimeout(orders, 212, 50*time.Millisecond, 40*time.Minute, []string{"pid 4711 (app, idle in transaction for 12m)"}, nil)},
		{"message.LockTimeout", message.LockTimeout(orders, 1, 50*time.Millisecond, time.Second, nil, nil)},
		{"message.TableAltered", first},
		{"message.AlteredWhileRead", message.AlteredWhileRead(orders, "It was renamed to app.purchases")},
		{"message.TableIncomplete", message.TableIncomplete(orders, []string{"NOT NULL", "unique index"})},
		{"message.Orphans", message.Orphans(orders+".user_id", "user_id", "app.users", 2, []string{"17", "4711"}, `SELECT * FROM "app"."orders" c WHERE c."user_uuid" IS NULL`)},
		{"message.RowsLocked", message.RowsLocked(orders, 3, 40*time.Minute, nil)},
		{"message.RowRejected", message.RowRejected(orders, rejected)},
		{"message.RowRejected", message.RowRejected(orders, independent)},
		{"message.RowRejected", message.RowRejected(orders, message.RejectedRow{ServerMessage: "SQLSTATE P0001, in function app.audit"})},
		{"message.UpdateSuppressed", message.UpdateSuppressed(orders, "uuid", []string{"trigger no_change"}, nil)},
		{"message.NullsWritten", message.NullsWritten(orders, "uuid", 5, nil)},
		{"message.NewDuplicates", message.NewDuplicates(orders, "uuid", []string{value}, nil)},
		{"message.IndexBuildFailed", message.IndexBuildFailed(orders, "orders_uuid_idx", 3, errors.New("canceling statement due to user request"))},
		{"message.EventTriggerFailed", message.EventTriggerFailed("no_ddl", "public.no_ddl()", orders, "no changes on Fridays", nil)},
		{"message.InternalError", message.InternalError("app.orders/add-column", errors.New("unknown action"))},
		{"message.Interrupted", message.Interrupted(nil)},
		{"message.Cancelled", message.Cancelled(nil)},
		{"message.StoppedByRequest", message.StoppedByRequest()},
		{"message.SchemasFailed", message.SchemasFailed("schema", 2, 40, first, "tenant_7", 40)},
		{"message.SchemasFailed", message.SchemasFailed("schema", 0, 40, nil, "", 12)},
		{"message.SchemasFailed", message.SchemasFailed("target", 2, 40, first, "eu/tenant-7", 40)},
		{"message.NoTargets", message.NoTargets("targets.yaml")},
		{"message.TargetsReadable", message.TargetsReadable("targets.yaml", "targets.yaml", "tenant-7")},
		{"message.SameTarget", message.SameTarget("targets.yaml", "tenant-7", 9, "tenant-8", 12, "eu.example:5432/tenant_7", "app")},
		{"message.UnknownGroup", message.UnknownGroup(`"uk"`, "", []string{"eu", "us"})},
		{"message.UnknownGroup", message.UnknownGroup(`"euu"`, "eu", []string{"eu", "us"})},
		{"message.UnknownGroup", message.UnknownGroup(`"eu"`, "", nil)},
		{"message.TargetsConflict", message.TargetsConflict("--database-url")},
		{"message.PatternWithTargets", message.PatternWithTargets()},
		{"message.PlanRefused", message.PlanRefused("rekey plan", 2)},
		{"message.OutputFailed", message.OutputFailed(errors.New("no space left on device"))},
		{"message.FileExists", message.FileExists("rekey.yaml")},
		{"message.FileNotWritten", message.FileNotWritten("rekey.yaml", "permission denied")},
		{"message.NoOutput", message.NoOutput()},
		{"message.ShellRequired", message.ShellRequired([]string{"bash", "zsh", "fish", "powershell"})},
		{"message.UnknownShell", message.UnknownShell(`"fsh"`, "fish", []string{"bash", "zsh", "fish", "powershell"})},
		{"message.ScriptNotWritten", message.ScriptNotWritten("migrations", "permission denied", nil)},
		{"message.ReportName", message.ReportName("--report", "run.txt")},
		{"message.WatchOfMany", message.WatchOfMany()},
		{"message.ReportExists", message.ReportExists("--report", "notes.html")},
		{"message.ReportNotWritable", message.ReportNotWritable("--report", "reports/run.html", "no such file or directory")},
		{"message.ReportNotWritten", message.ReportNotWritten("run.html", "no space left on device", nil)},
		{"message.NoRuns", message.NoRuns("app")},
		{"message.NoSuchRun", message.NoSuchRun("app", 9, []string{"7", "4"})},
		{"problem.All", problem.All(errSample)[0]},
	}
}

func rehearsalSamples() []sample {
	return []sample{
		{"message.NoDump", message.NoDump(18)},
		{"message.NoScratchServer", message.NoScratchServer(18)},
		{"message.ScratchRights", message.ScratchRights("postgres", "is a superuser")},
		{"message.ScratchIsSource", message.ScratchIsSource()},
		{"message.ScratchTooOld", message.ScratchTooOld(18, 15)},
		{"message.ScratchNoSpace", message.ScratchNoSpace(5<<30, 1<<30)},
		{"message.SchemaNotCopied", message.SchemaNotCopied("table orders", "type geometry does not exist", "postgis")},
		{"message.DumpFailed", message.DumpFailed("permission denied for schema app")},
		{"message.RehearsalInterrupted", message.RehearsalInterrupted(nil)},
		{"message.RehearsalFailed", message.RehearsalFailed()},
		{"message.RehearsalOnCluster", message.RehearsalOnCluster()},
	}
}

func journalSamples() []sample {
	holder := message.LeaseHolder{
		Command: "up", Program: "rekey 1.0.0", Host: "db1", PID: 4711, Since: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		SinceHeartbeat: 3 * time.Second, ExpiresIn: 27 * time.Second,
	}
	open := holder
	open.TransactionOpen = true
	object := catalog.Object{Name: "table rekey.runs", Owner: catalog.Owner{Name: "mallory"}}
	strange := object
	strange.Fault = "it has a trigger"
	return []sample{
		{"message.LeaseHeld", message.LeaseHeld("app", holder)},
		{"message.LeaseHeld", message.LeaseHeld("app", open)},
		{"message.LeaseLost", message.LeaseLost()},
		{"message.LeaseGone", message.LeaseGone(`relation "rekey.leases" does not exist`, nil)},
		{"message.LeaseExpired", message.LeaseExpired("no answer came in time", nil)},
		{"message.NoRun", message.NoRun("app")},
		{"message.BadRequest", message.BadRequest("tune needs a new value", "Set the pace, the lag or the batch time.")},
		{"message.NoJournalSchema", message.NoJournalSchema(`"app"`, `"shop"`)},
		{"message.NoJournalRights", message.NoJournalRights(`"app"`, "dba")},
		{"message.JournalConflict", message.JournalConflict([]catalog.Object{object, object}, "app")},
		{"message.JournalConflict", message.JournalConflict([]catalog.Object{strange}, "app")},
		{"message.NotJournalTable", message.NotJournalTable("runs", "It is not an ordinary table")},
		{"message.JournalTooNew", message.JournalTooNew(9, 8)},
		{"message.JournalNotOwned", message.JournalNotOwned(1, 2, "dba", "app")},
	}
}

func faultSamples() (samples []sample) {
	f := message.Fault{Operation: "rekey up", Table: orders, Step: "fill-column", Reason: "the server's own message"}
	for _, state := range []string{
		"53100", "53200", "53300", "53400", "54000", "XX001", "58030", "25006", "57014", "55P03", "40P01", "57P03", "3D000", "28P01", "57P01", "42501", "42P01", "23514", "P0001", "0A000",
	} {
		f.SQLState = state
		samples = append(samples, sample{"message.Fault", f.Problem()})
	}
	f.SQLState = "42501"
	samples = append(samples, sample{"message.Fault", f.RowsHidden()})
	network := message.Fault{Operation: "rekey verify", Reason: errSample.Error()}
	return append(samples,
		sample{"message.Fault", network.ConnectionLost()},
		sample{"message.Fault", message.Fault{Operation: "rekey status", Reason: "no answer came in time"}.ConnectionTimedOut()})
}

func connectionSamples() []sample {
	s := message.Server{Host: "db.example", Port: 5432, User: "app", Database: "shop"}
	socket := s
	socket.Host = "/run/postgresql"
	const reason = `no pg_hba.conf entry for host "10.0.0.7", user "app", database "shop", no encryption`
	return []sample{
		{"message.BadConnection", message.BadConnection("--database-url", "it has an unknown setting (did you mean dbname?)")},
		{"message.ConnectionRefused", message.ConnectionRefused(s, nil)},
		{"message.SocketMissing", message.SocketMissing(socket, nil)},
		{"message.UnknownHost", message.UnknownHost(s, nil)},
		{"message.ConnectionTimedOut", message.ConnectionTimedOut(s, nil)},
		{"message.Unreachable", message.Unreachable(s, "The system reported: network is unreachable.", nil)},
		{"message.AuthenticationFailed", message.AuthenticationFailed(s, reason, true, nil)},
		{"message.AuthenticationFailed", message.AuthenticationFailed(s, `password authentication failed for user "app"`, false, nil)},
		{"message.DatabaseMissing", message.DatabaseMissing(s, nil)},
		{"message.TooManyConnections", message.TooManyConnections(s, "sorry, too many clients already", nil)},
		{"message.TLSFailed", message.TLSFailed(s, "The server's certificate is for another name.", nil)},
		{"message.ServerNotReady", message.ServerNotReady(s, "the database system is starting up", nil)},
		{"message.ConnectionFailed", message.ConnectionFailed(s, "unsupported startup parameter: options", "", nil)},
		{"message.NoPool", message.NoPool()},
		{"message.OtherDriver", message.OtherDriver(nil)},
		{"message.BadScope", message.BadScope()},
		{"message.BadDirection", message.BadDirection("sideways")},
		{"message.PoolTooSmall", message.PoolTooSmall(1)},
		{"message.PoolerDetected", message.PoolerDetected()},
		{"message.DirectURLMismatch", message.DirectURLMismatch()},
	}
}

func serverSamples() []sample {
	return []sample{
		{"message.ServerTooOld", message.ServerTooOld("12.5")},
		{"message.ServerDefect", message.ServerDefect("14.2")},
		{"message.UnsupportedServer", message.UnsupportedServer("CockroachDB")},
		{"message.ServerIsStandby", message.ServerIsStandby()},
		{"message.ServerIsReadOnly", message.ServerIsReadOnly()},
		{"message.CitusTooOld", message.CitusTooOld("11.3.0", 12)},
		{"message.CitusVersions", message.CitusVersions([]string{"10.0.0.1:5432 has library 13.2.2, extension 13.2-1", "10.0.0.2:5432 has library 13.2.2, extension 13.0-1"})},
		{"message.OnWorker", message.OnWorker("10.0.0.1:5432", "shop")},
		{"message.OnWorker", message.OnWorker("", "shop")},
		{"message.NodeInactive", message.NodeInactive("10.0.0.2:5432")},
		{"message.NodeUnsynced", message.NodeUnsynced("10.0.0.2:5432")},
		{"message.NodeSilent", message.NodeSilent("10.0.0.2:5432", "could not connect to 10.0.0.2:5432")},
		{"message.NodeUnreachable", message.NodeUnreachable("10.0.0.2:5432", "connection refused", nil)},
		{"message.WrongNode", message.WrongNode("10.0.0.2:5432", "It has the group 2 in place of 1")},
		{"message.NodeBySocket", message.NodeBySocket("10.0.0.2:5432")},
		{"message.ShardsNotFound", message.ShardsNotFound("app.events", 2, 40*time.Minute)},
		{"message.OnNode", message.OnNode("10.0.0.2:5432", message.NoJournalSchema("app", "shop"))},
		{"message.PhaseOnCluster", message.PhaseOnCluster("linked")},
		{"message.ScriptOnCluster", message.ScriptOnCluster()},
	}
}

func schemaSamples() []sample {
	return []sample{
		{"message.UnknownSchema", message.UnknownSchema("ap", []string{"app", "public"})},
		{"message.UnknownSchema", message.UnknownSchema("warehouse", nil)},
		{"message.SystemSchema", message.SystemSchema("pg_catalog")},
		{"message.NoUsage", message.NoUsage("app", "deploy")},
		{"message.NoCreate", message.NoCreate("app", `"app"`, "deploy", `"deploy"`)},
		{"message.NoTablespace", message.NoTablespace(`"fast"`, `"deploy"`)},
		{"message.NoMatch", message.NoMatch("app", "oders", []string{"orders", "users"})},
		{"message.NoMatch", message.NoMatch("app", "x*", nil)},
		{"message.NoSuchTable", message.NoSuchTable("--random", "oders", "app", "orders")},
		{"message.NoSuchTable", message.NoSuchTable("--random", "nothing", "app", "")},
		{"message.DuplicateIndexName", message.DuplicateIndexName("app.users", "uuid_idx", orders)},
		{"message.NoSchema", message.NoSchema("auth", []string{"public"})},
		{"message.NoVersionTable", message.NoVersionTable("app", "phoenix_kit", []string{"public"})},
		{"message.NoVersionTable", message.NoVersionTable("app", "phoenix_kit", nil)},
		{"message.NoPrefixMatches", message.NoPrefixMatches("tenant_*", "phoenix_kit", nil)},
		{"message.NoVersion", message.NoVersion(library(), "public")},
		{"message.UnknownVersion", message.UnknownVersion(library(), "public", 999)},
		{"message.UnknownVersion", message.UnknownVersion(profile.Profile{Name: "acme", Last: 3}, "public", 9)},
		{"message.LinkTooLate", message.LinkTooLate(library(), "public", 56)},
		{"message.VersionTooOld", message.VersionTooOld(library(), "public", 31)},
		{"message.VersionTooNew", message.VersionTooNew(library(), "public", 61)},
	}
}

func tableSamples() []sample {
	return []sample{
		{"message.NotATable", message.NotATable(orders, "view")},
		{"message.UnsupportedTable", message.UnsupportedTable(orders, "it is a temporary table")},
		{"message.DistributedKind", message.DistributedKind(orders, "append-distributed")},
		{"message.DistributedChildren", message.DistributedChildren(orders)},
		{"message.ShardReplicas", message.ShardReplicas(orders, 2)},
		{"message.ReferenceWithoutKey", message.ReferenceWithoutKey(orders)},
		{"message.ShardOrder", message.ShardOrder(orders, "orders", "tenant_id")},
		{"message.NotOwner", message.NotOwner(orders, quoted, "shop_owner", "deploy")},
		{"message.GeneratedColumn", message.GeneratedColumn(orders, "uuid")},
		{"message.TextColumn", message.TextColumn(orders, quoted, "uuid", "character varying", nil)},
		{"message.TextColumn", message.TextColumn(orders, quoted, "uuid", "text", []string{"id 7", "id 8"})},
		{"message.ColumnType", message.ColumnType(orders, "uuid", "bigint")},
		{"message.DuplicateValues", message.DuplicateValues(orders, quoted, "uuid", []string{value + " (id 1, id 2)"})},
		{"message.IndexNameTaken", message.IndexNameTaken(orders, "app", "orders_uuid_idx", "index", "app.old_orders")},
		{"message.IndexNameTaken", message.IndexNameTaken(orders, "app", "orders_uuid_idx", "view", "")},
		{"message.IndexDiffers", message.IndexDiffers(orders, "app", "orders_uuid_idx", "CREATE INDEX orders_uuid_idx ON app.orders USING btree (uuid)")},
		{"message.ConstraintNameTaken", message.ConstraintNameTaken(orders, "rekey_uuid_not_null", "CHECK (total > 0)")},
		{"message.Published", message.Published(orders, "uuid", "publication sales", false)},
		{"message.Published", message.Published(orders, "uuid", "publication sales", true)},
		{"message.RowSecurity", message.RowSecurity(orders, quoted, "deploy")},
		{"message.UpdateRule", message.UpdateRule(orders, "no_update")},
		{"message.NoReplicaIdentity", message.NoReplicaIdentity(orders, quoted, "publication sales")},
		{"message.TriggersFire", message.TriggersFire(orders, []string{"set_updated_at"}, "deploy")},
		{"message.Unvalidated", message.Unvalidated(orders, quoted, "positive", "CHECK", `SELECT count(*) FROM "app"."orders" WHERE NOT (total > 0)`)},
		{"message.RowTooWide", message.RowTooWide(orders)},
		{"message.DependentObject", message.DependentObject(orders, "uuid", "view", "app.recent_orders")},
		{"message.MarkLost", message.MarkLost(orders, quoted, "uuid")},
		{"message.MarkNewer", message.MarkNewer(orders, "uuid", 3, 2)},
	}
}

func edgeSamples() []sample {
	const edge, parent = orders + ".user_id", "app.users"
	return []sample{
		{"message.EdgeUnsupported", message.EdgeUnsupported(edge, "orders_user_id_fkey", "column user_id is generated, so that no trigger can set it", "Make it an ordinary column")},
		{"message.EdgeUnsupported", message.EdgeUnsupported(edge, "", "exclusion constraint no_overlap uses column user_id", "Drop the constraint")},
		{"message.EdgeOtherSchema", message.EdgeOtherSchema(edge, "orders_user_id_fkey", "crm.users", "crm")},
		{"message.EdgeParentNotExpanded", message.EdgeParentNotExpanded(edge, "crm.users", "crm")},
		{"message.UnusedParents", message.UnusedParents("app", "crm")},
		{"message.EdgeConflict", message.EdgeConflict(edge, "to_people", "to_users")},
		{"message.EdgeColumnTaken", message.EdgeColumnTaken(edge, "user_uuid", "uuid")},
		{"message.EdgeColumnTaken", message.EdgeColumnTaken(edge, "user_uuid", "text")},
		{"message.EdgeParentHidden", message.EdgeParentHidden(edge, parent, `"app"."users"`, "shop_owner")},
		{"message.EdgeLaterTriggers", message.EdgeLaterTriggers(edge, "~rekey_user_id_u", []string{"~zz"})},
		{"message.EdgeParentOwner", message.EdgeParentOwner(edge, parent, "shop_owner", "deploy", false)},
		{"message.EdgeParentOwner", message.EdgeParentOwner(edge, parent, "postgres", "deploy", true)},
		{"message.EdgeOwnerCannotCreate", message.EdgeOwnerCannotCreate(edge, "app", "shop_owner", "crm.users")},
		{"message.EdgeOwnersDiffer", message.EdgeOwnersDiffer(edge, "deploy", "shop_owner", parent)},
		{"message.EdgeMarkLost", message.EdgeMarkLost(edge, orders, "user_uuid", "", `COMMENT ON COLUMN "app"."orders"."user_uuid" IS E'..'`)},
		{"message.EdgeMarkLost", message.EdgeMarkLost("app.old_orders.user_id", "app.old_orders", "user_uuid", orders, `COMMENT ON COLUMN "app"."old_orders"."user_uuid" IS E'..'`)},
		{"message.EdgeMarkEdited", message.EdgeMarkEdited(orders, `"app"."orders"`, "user_uuid")},
		{"message.EdgeTableMoved", message.EdgeTableMoved(sqltext.Table{Schema: "app", Name: "old_orders"}, sqltext.Table{Schema: "app", Name: "orders"}, "user_uuid")},
		{"message.EdgeTableMoved", message.EdgeTableMoved(sqltext.Table{Schema: "shop", Name: "orders"}, sqltext.Table{Schema: "app", Name: "orders"}, "user_uuid")},
		{"message.EdgeColumnRenamed", message.EdgeColumnRenamed(orders, `"app"."orders"`, "user_uuid", "user_id", "buyer_id")},
		{"message.EdgeColumnRenamed", message.EdgeColumnRenamed(orders, `"app"."orders"`, "user_uuid", "user_id", "")},
		{"message.MovedIndexMissing", message.MovedIndexMissing("app.orders.user_id", "user_uuid", []string{"orders_user_id_key"})},
		{"message.EdgeColumnDropped", message.EdgeColumnDropped(orders, `"app"."orders"`, "user_uuid", "user_id", "the user's key")},
		{"message.EdgeTriggersLeft", message.EdgeTriggersLeft(orders, `"app"."orders"`, []string{"~rekey_user_id_i", "~rekey_user_id_u"})},
		{"message.EdgeParentChanged", message.EdgeParentChanged(edge, "user_uuid", "app.users.id", "app.guests.id")},
		{"message.EdgeParentGone", message.EdgeParentGone(edge, parent)},
		{"message.EdgeFunctionTaken", message.EdgeFunctionTaken(edge, "app", "rekey_orders_user_id", "The function of mallory was not made by rekey.")},
		{"message.NoPLpgSQL", message.NoPLpgSQL(edge, "deploy")},
		{"message.EdgeIndexTwice", message.EdgeIndexTwice(edge, "orders_user_uuid_idx", orders+".user")},
		{"message.BadReference", message.BadReference(edge, parent, "app.orders has no column user_id", "Name one of its columns")},
		{"message.EdgeRemains", message.EdgeRemains("app.users", "uuid", "invoices_user_uuid_fkey", "billing")},
		{"message.NotSwitched", message.NotSwitched("app", []string{orders + " primary key"})},
		{"message.SoakNotOver", message.SoakNotOver("app", orders, 2*time.Hour, 24*time.Hour, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), "integer-reads")},
		{"message.ContractReferenced", message.ContractReferenced("app.users.id", "invoice_user_id_fkey", "billing.invoice", "billing", "app")},
		{"message.ContractMixed", message.ContractMixed("app.pages.doc_id", "pages_tenant_id_doc_uuid_fkey", "app.pages.tenant_id", "app.docs.tenant_id", true, "pages.tenant_id=tenants")},
		{"message.ContractUnsupported", message.ContractUnsupported(orders+" primary key", "app", "orders", true)},
		{"message.ContractDependent", message.ContractDependent(orders+".id", "view app.open_orders")},
		{"message.RenameTooEarly", message.RenameTooEarly("app")},
		{"message.RenameTwice", message.RenameTwice(orders, "user_uuid", "user_id")},
		{"message.NotConfirmed", message.NotConfirmed("app", "", false)},
		{"message.NotConfirmed, another schema", message.NotConfirmed("app", "public", true)},
		{"message.Contracted", message.Contracted("app", []string{orders, "app.users"})},
		{"message.ProofFailed", message.ProofFailed(edge, "2 rows: refer to no row of the parent", "See the rows: rekey verify")},
		{"message.HazardsNotAccepted", message.HazardsNotAccepted("app", "switched", []string{"group-by"}, "group-by,on-conflict-constraint")},
		{"message.KeyMarkUnreadable", message.KeyMarkUnreadable(orders+" primary key", "the comment of index orders_id_key was edited, or is of a newer version of rekey")},
		{"message.KeyUnsupported", message.KeyUnsupported(orders+" primary key", "it is DEFERRABLE, and no foreign key can refer to the index that would take its place", "Make it NOT DEFERRABLE")},
		{"message.KeyOwner", message.KeyOwner(orders+" primary key", orders, "shop", "deploy")},
		{"message.KeyChildOwner", message.KeyChildOwner(orders+" primary key", "items_order_id_fkey", "app.items", "deploy")},
		{"message.KeyDependent", message.KeyDependent(orders+" primary key", "view app.totals")},
		{"message.KeyNamedBy", message.KeyNamedBy(orders+" primary key", "orders_pkey", "function app.upsert()")},
		{"message.KeyNotLinked", message.KeyNotLinked(orders+" primary key", "app.items.order_id", "it is not linked")},
		{"message.KeyOtherSchema", message.KeyOtherSchema(orders+" primary key", "bills_order_id_fkey", "billing.bills", "billing", "app")},
		{"message.KeyWithoutDefault", message.KeyWithoutDefault(orders+" primary key", orders, `"app"."orders"`, "id")},
		{"message.SwitchNotInScript", message.SwitchNotInScript("switched")},
		{"message.KeysSwitched", message.KeysSwitched("app", []string{orders})},
		{"message.EdgesRemain", message.EdgesRemain("app", []string{orders + ".user_uuid"})},
	}
}

func library() profile.Profile {
	return profile.Profile{
		Name: "phoenixkit", Title: "PhoenixKit", VersionTable: "phoenix_kit", From: 39, To: 40, Last: 130, LinkAt: 40,
		Hints: profile.Hints{
			Up: "mix phoenix_kit.update, or a migration with up(version: 39)", Down: "a migration with down(version: 40)",
			Recorded: "its own migrations record it", Newer: "Install a newer rekey.",
			Repair: "Inspect the rows with equal values first, since PhoenixKit's own repair deletes them: mix phoenix_kit.repair_uuid",
		},
	}
}

func trustSamples() []sample {
	mallory := catalog.Owner{Name: "mallory"}
	check := catalog.Code{Table: sqltext.Table{Schema: "app", Name: "orders"}, Where: "constraint positive on table app.orders", Runs: "function app.positive(numeric)", Owner: mallory}
	trigger := check
	trigger.Fires, trigger.Where = true, "trigger audit on table app.orders"
	text := check
	text.Fault, text.Holder = "it executes a text", catalog.Owner{Name: "shop_owner"}
	return []sample{
		{"message.UntrustedCode", message.UntrustedCode(orders, "shop_owner", "deploy", "", []catalog.Code{check})},
		{"message.UntrustedCode", message.UntrustedCode(orders, "shop_owner", "deploy", "postgres", []catalog.Code{trigger, check, check})},
		{"message.UntrustedCode", message.UntrustedCode(orders, "deploy", "deploy", "", []catalog.Code{text})},
		{"message.UntrustedFunction", message.UntrustedFunction("app", "uuid_generate_v7", "mallory", "deploy")},
		{"message.FunctionNameTaken", message.FunctionNameTaken("app", "uuid_generate_v7", "shop_owner", "it returns text")},
		{"message.UntrustedDefault", message.UntrustedDefault(orders, quoted, "uuid", "app.made()", check, "deploy")},
		{"message.UntrustedShards", message.UntrustedShards("app.orders", "app_owner", "postgres")},
		{"message.UntrustedEventTrigger", message.UntrustedEventTrigger("no_ddl", "public.no_ddl()", "mallory", "ddl_command_start", "deploy")},
		{"message.FunctionAmbiguous", message.FunctionAmbiguous("app", "uuid_generate_v7", "app.uuid_generate_v7(integer)")},
		{"message.NoExecute", message.NoExecute("app", "uuid_generate_v7", "shop_owner", []string{"web", "jobs"}, []string{`GRANT EXECUTE ON FUNCTION "app"."uuid_generate_v7"() TO "web", "jobs";`})},
		{"message.UnknownOwner", message.UnknownOwner("Shop_Owner")},
	}
}

func nodeURLSamples() []sample {
	return []sample{
		{"message.UnknownNode", message.UnknownNode("10.0.0.2:5433", []string{"10.0.0.1:5432", "10.0.0.2:5432"})},
		{"message.UnknownNode", message.UnknownNode("worker:5432", []string{"10.0.0.1:5432", "10.0.0.2:5432"})},
		{"message.NoCluster", message.NoCluster("10.0.0.2:5432")},
	}
}

func valueSamples() []sample {
	return []sample{
		{"message.BadTimeColumn", message.BadTimeColumn(orders, "total", "it is numeric", []string{"created_at", "paid_at"})},
		{"message.BadTimeColumn", message.BadTimeColumn(orders, "created", "the table has no such column", nil)},
		{"message.BadTimePattern", message.BadTimePattern(`a\`, "it ends with a single backslash")},
		{"message.UnmatchedTimePattern", message.UnmatchedTimePattern("app", "*_log", "logged_at")},
		{"message.RandomTooLate", message.RandomTooLate(orders, "uuid")},
		{"message.NoOrderRights", message.NoOrderRights(orders, `"deploy"`, "dba")},
		{"message.UnknownZone", message.UnknownZone("Europe/Berln", "Europe/Berlin")},
		{"message.UnknownZone", message.UnknownZone("Mars", "")},
		{"message.SourceOfOneTable", message.SourceOfOneTable("RandomValues()")},
		{"message.ValuesInScript", message.ValuesInScript()},
		{"message.EdgeNotInScript", message.EdgeNotInScript("app.orders.user_id", "Column user_id has the default 1, and the uuid of that row does not exist before phase expanded", "up", "linked", true)},
		{"message.EdgeNotInScript", message.EdgeNotInScript("app.orders.user_id", "A trigger, an index or a constraint of it has to be repaired in a way that only rekey does", "down", "expanded", false)},
		{"message.EdgeRowsDiffer", message.EdgeRowsDiffer("app.orders.user_id", "user_id", "user_uuid", 1, []string{"UPDATE a", "UPDATE b"}, []string{"UPDATE c"})},
		{"message.BadModule", message.BadModule()},
	}
}

func throttleSamples() []sample {
	return []sample{
		{"message.SignalHidden", message.SignalHidden("lag", "the lag of standby replica1", `"deploy"`)},
		{"message.ThrottleQuery", message.ThrottleQuery(errors.New(`relation "busy" does not exist`))},
		{"message.ThrottleFile", message.ThrottleFile("/run/rekey/stop", errors.New("permission denied"))},
		{"message.StandbyUnreadable", message.StandbyUnreadable("replica1:5432", "the database system is starting up")},
		{"message.NotAStandby", message.NotAStandby("db:5432")},
		{"message.StandbyMismatch", message.StandbyMismatch("replica1:5432", "the system identifiers differ", "shop")},
		{"message.StandbyDelayed", message.StandbyDelayed("replica1:5432", "1h")},
	}
}

func verifySamples() []sample {
	lines := []string{"orders: 3 rows without a value", message.VersionMismatch(39, 40), "users: 1 duplicate value", "d", "e", "f", "g"}
	return []sample{
		{"message.Differences", message.Differences(lines[:1], false, "")},
		{"message.Differences", message.Differences(lines, true, library().Hints.Repair)},
		{"message.KeyDifferences", message.KeyDifferences([]string{"orders primary key: no unique index orders_id_key"}, nil)},
		{"message.KeyDifferences", message.KeyDifferences([]string{"orders primary key: the replica identity is not index orders_id_key"}, []string{"ALTER TABLE ONLY app.orders REPLICA IDENTITY USING INDEX orders_id_key;"})},
		{"message.EndedDifferences", message.EndedDifferences([]string{"orders.user_id: no valid foreign key on user_uuid"})},
		{"message.EdgeDifferences", message.EdgeDifferences([]string{"orders.user_id: 3 rows with a value in only one of user_id and user_uuid"}, "")},
		{"message.EdgeDifferences", message.EdgeDifferences([]string{"orders.user_id: 3 rows with a value in only one of user_id and user_uuid"}, message.EqualizeHint("orders.user_id", "user_uuid", []string{"UPDATE a"}, []string{"UPDATE b"}))},
		{"message.TableUnreadable", message.TableUnreadable(orders, quoted, "deploy", "permission denied for table orders", nil)},
	}
}

func demoSamples() []sample {
	return []sample{
		{"message.DemoFailed", message.DemoFailed([]string{"1 of the application's statements failed: deadlock detected."})},
		{"message.DemoInterrupted", message.DemoInterrupted(nil)},
		{"message.NoPostgreSQL", message.NoPostgreSQL("found no PostgreSQL 17 on this machine", "Install it, or name its directory: REKEY_PG_BIN=/usr/lib/postgresql/17/bin", nil)},
	}
}

func pageSamples() []sample {
	return []sample{
		{"message.PageAddress", message.PageAddress("127.0.0.1:8099", "another program listens there", true, nil)},
		{"message.PageAddress", message.PageAddress("127.0.0.1:80", "this user may not open the port", false, nil)},
		{"message.BadPageAddress", message.BadPageAddress(`"8099"`)},
		{"message.PageNotLoopback", message.PageNotLoopback("0.0.0.0:8099")},
		{"message.OnePage", message.OnePage()},
		{"message.BadPace", message.BadPace()},
		{"message.BadMaxImpact", message.BadMaxImpact()},
		{"message.NoRunYet", message.NoRunYet()},
	}
}

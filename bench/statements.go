package main

import _ "embed"

// Queries and definitions. The measured statements are next to their ways.
var (
	//go:embed queries/table.sql
	tableSQL string
	//go:embed queries/rows.sql
	rowsSQL string
	//go:embed queries/plpgsql_function.sql
	plpgsqlFunctionSQL string
	//go:embed queries/position.sql
	positionSQL string
	//go:embed queries/sizes.sql
	sizesSQL string
	//go:embed queries/goal.sql
	goalSQL string
	//go:embed queries/sessions.sql
	sessionsSQL string
	//go:embed queries/settings.sql
	settingsSQL string
	//go:embed queries/tenant.sql
	tenantSQL string
	//go:embed queries/citus_table.sql
	citusTableSQL string
	//go:embed queries/citus_rows.sql
	citusRowsSQL string
	//go:embed queries/wal.sql
	walSQL string
)

package main

import _ "embed"

// What is read and made on the way; the statements that are measured stand with their ways.
var (
	//go:embed queries/table.sql
	tableSQL string
	//go:embed queries/rows.sql
	rowsSQL string
	//go:embed queries/own_function.sql
	ownFunctionSQL string
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
	//go:embed queries/wal.sql
	walSQL string
)

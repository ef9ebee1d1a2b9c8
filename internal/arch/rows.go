package arch

// rows runs from the ground up. A package imports its own folder and the rows
// below it; two folders of one row never meet. The root package, the vocabulary,
// is below all.
var rows = [][]string{
	{"thimble"},
	// ground
	{"sqldb", "web", "ml", "pii", "blob", "sdk"},
	// kernel
	{"datamap", "ledger", "catalog", "job"},
	{"policy"},
	{"vault"},
	{"subject"},
	{"order", "session", "apikey", "registry", "backup"},
	{"staff"},
	{"consent"},
	{"gate"},
	{"disclose"},
	{"decision"},
	// capabilities
	{
		"collect", "recommend", "price", "forecast", "assist", "triage", "fit", "fairness",
		"customer", "rights", "retention", "sharing", "governance", "supply", "design",
	},
	// doors
	{"api", "console", "portal", "storefront"},
	{"app"},
	{"cmd", "thimbletest", "arch", "examples"},
}

// kernel and capabilities are the rows whose packages hold rules only: SQL,
// pages and transport live in their <name>db and <name>web.
const kernel, capabilities = 2, 12

package datamap

import "slices"

// A Body says what is inside a sealed column: the schema shows bytes only.
type Body struct {
	Table, Column string
	// Type is the folder and name of the Go type that is written there, such as
	// "internal/order.Order"; "" where the bytes are one bare value.
	Type string
	// Fields are the fields of the type, nested ones with dots, by their names in
	// JSON, or in Go where they have none. A test reads the type and fails when it
	// has others.
	Fields []string
}

// glassRecord is what is in the record of broken glass, and in that of its review.
var glassRecord = []string{"v", "glass", "what", "account", "subject", "kind", "reason", "by", "fine", "at"}

// bodies has an entry for each sealed column. An opening of a leaf holds the leaf,
// its salt and the record; the record's type is named.
var bodies = []Body{
	{"order_orders", "body", "internal/order.Order", []string{
		"ID", "Subject", "Number", "PlacedAt", "Country", "Return", "Lines.Item", "Lines.Units", "Lines.Price.Minor", "Lines.Price.Currency",
	}},
	{"collect_months", "interactions", "internal/collect/timeline.Interaction", []string{"Item", "Kind", "N", "Last"}},
	{"collect_months", "profile", "internal/collect/timeline.Profile", []string{"first", "last", "events.*", "country", "country_at", "language", "language_at"}},
	{"log_frames", "bytes", "", nil}, // parts of events, as the tracking plan has them
	{"consent_events", "body", "internal/consent.Event", []string{
		"v", "subject", "seq", "purpose", "scope.brand", "scope.channel", "scope.feature", "scope.signal", "state", "at", "notice.sha256", "notice.lang", "notice.version",
		"ui.component", "ui.choice_path", "by.actor", "by.auth", "by.guardian", "basis", "packs", "expires",
		"incentive.id", "incentive.terms", "incentive.value_minor", "incentive.currency", "prev",
	}},
	{"taste_events", "body", "internal/recommend/taste.Event", []string{
		"v", "subject", "seq", "kind", "item", "category", "undone", "at", "by.auth", "by.component", "request", "prev",
	}},
	{"taste_state", "body", "internal/recommend/taste.State", []string{"standing.kind", "standing.item", "standing.category", "standing.subject", "standing.seq", "standing.at"}},
	{"disclose_people", "opening", "internal/disclose.Record", []string{
		"v", "message", "disclosure", "kind", "subject", "recipient.id", "recipient.name", "recipient.kind", "recipient.countries", "agreement", "act",
		"purpose", "basis", "pack", "cite", "fields", "categories", "retention_days", "at",
	}},
	{"disclose_people", "part", "internal/disclose.Part", []string{"lines", "letter.to", "letter.subject", "letter.text", "letter.html", "letter.unsubscribe"}},
	{"disclose_messages", "body", "", nil},
	{"gate_uses", "opening", "internal/gate/gatedb.access", []string{"at", "actor", "subject", "purpose", "categories", "cite", "masked", "roles", "rules", "reason", "glass"}},
	{"decision_decisions", "body", "internal/decision.Record", []string{
		"v", "capability", "placement", "subject", "at", "model.name", "model.version", "model.sha256",
		"inputs.category", "inputs.purpose", "inputs.basis", "inputs.cite", "inputs.count", "inputs.consent",
		"guards", "results.item", "results.score", "results.terms.because", "results.terms.share", "results.terms.weight", "results.terms.value",
		"results.base", "results.moved", "results.shown", "results.outcome", "results.boosts.boost", "results.boosts.share", "results.held", "packs",
		"about.kind", "about.id", "scale.link", "scale.unit", "scale.value", "scale.table.score", "scale.table.shown", "scale.shows",
		"features.key", "features.words", "features.category", "features.value", "features.weight", "features.text", "features.source",
		"features.options.text", "features.options.value", "features.options.weight",
		"rails.name", "rails.words", "rails.on", "rails.op", "rails.limit", "rails.does", "rails.outcome", "rails.fired",
		"boosting.most", "boosting.boosts.name", "boosting.boosts.words", "boosting.boosts.percent",
		"bands.at", "bands.outcome", "bands.words", "propensity.parts", "propensity.of", "human.part", "human.role", "human.by",
		"counterfactual.goal", "counterfactual.changes.key", "counterfactual.changes.text", "counterfactual.changes.value", "counterfactual.changes.weight",
		"counterfactual.leads", "counterfactual.none",
	}},
	{"decision_steps", "body", "internal/decision.Step", []string{
		"v", "contest", "decision", "kind", "at", "by", "appeal", "reason", "outcome", "text", "due", "rule",
	}},
	{"cases_steps", "words", "internal/rights/cases.Words", []string{"text", "key", "fix.subject", "fix.holder", "fix.name", "fix.ref", "fix.choice", "fix.value", "fix.title", "fix.was", "fix.right", "fix.category", "fix.since"}},
	{"cases_agents", "reference", "", nil},
	{"cases_agents", "attorney", "", nil},
	{"cases_agents", "chain", "", nil},
	{"systems_tasks", "told", "internal/rights/systems.Identifiers", []string{"named.type", "named.value", "chain"}},
	{"staff_accounts", "secret", "", nil},
	{"staff_glass", "opening", "internal/staff.GlassRecord", glassRecord},
	{"staff_glass", "review", "internal/staff.GlassRecord", glassRecord},
	{"subject_subjects", "residence", "internal/subject.Residence", []string{"country", "evidence", "at"}},
	{"subject_subjects", "age", "internal/subject.Age", []string{"state", "evidence", "at"}},
	{"subject_merges", "sealed", "internal/subject.MergeRecord", []string{"v", "merge", "what", "survivor", "absorbed", "ground", "by", "note", "at"}},
	{"subject_relations", "sealed", "internal/subject.Part", []string{"kind", "as", "at"}},
	{"subject_identifiers", "sealed", "", nil},
	{"collect_facts", "body", "", nil},
	{"collect_reviews", "body", "internal/collect.ReviewText", []string{"title", "text"}},
}

// Bodies returns what is inside the sealed columns. Do not change what it returns.
func Bodies() []Body { return bodies }

// Inside returns the fields inside a sealed column, nil for a bare value.
func Inside(table, column string) []string {
	for _, b := range bodies {
		if b.Table == table && b.Column == column {
			return slices.Clone(b.Fields)
		}
	}
	return nil
}

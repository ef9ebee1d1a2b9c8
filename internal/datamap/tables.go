package datamap

import (
	"thimble"
	"thimble/internal/sqldb"
)

var (
	service  = []thimble.Purpose{thimble.EssentialService}
	learning = []thimble.Purpose{thimble.EssentialService, thimble.PersonalizeContent, thimble.TrainAISystem}
	duty     = []thimble.Purpose{thimble.LegalObligation}
	counting = []thimble.Purpose{"analytics"}
	events   = []thimble.Purpose{thimble.EssentialService, thimble.PersonalizeContent, thimble.TrainAISystem, "analytics"}
)

var tables = []Table{
	{Name: "order_orders", Set: sqldb.Core, Holder: "order", Plain: []string{"id", "batch"}, Fields: []Field{
		pseudonym("empty for a guest's order", learning...),
		{Column: "number_index", Category: thimble.PurchaseHistory, Source: "the shop's orders", Purposes: service, Retention: untilErased, Note: "keyed blind index of the order's number, or of the correction that keeps it beside one", Measures: []Measure{KeyedHash}},
		{Column: "placed_at", Category: thimble.PurchaseHistory, Source: "the shop's orders", Purposes: learning, Retention: untilErased},
		{Column: "body", Category: thimble.PurchaseHistory, Source: "the shop's orders", Purposes: learning, Sealed: true, Retention: untilErased, Note: "number, country, lines with items, units and prices"},
		{Column: "direction", Category: thimble.PurchaseHistory, Source: "the shop's orders", Purposes: learning, Retention: untilErased, Note: "whether it came back, so that returns can stay unopened"},
	}},
	{Name: "consent_events", Set: sqldb.Core, Holder: "consent", Plain: []string{"seq"}, Fields: []Field{
		{Column: "subject_id", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: duty, Retention: "stays as a number that leads to nobody"},
		{Column: "body", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Sealed: true, Retention: "unreadable when the person is erased"},
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "stays, without a person"},
	}},
	{Name: "consent_state", Set: sqldb.Core, Holder: "consent", Plain: []string{"seq"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "purpose", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: untilErased},
		{Column: "scope", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: untilErased, Note: "which brand, channel, feature or signal the choice is for"},
		{Column: "state", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: untilErased},
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: untilErased},
		{Column: "expires_at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: untilErased},
		{Column: "notice", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: untilErased, Note: "hash of the text that was shown"},
	}},
	{Name: "consent_replays", Set: sqldb.Core, Holder: "consent", Plain: []string{"first_seq", "events"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "id", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "a day, or until the person is erased", Note: "hash of the person and the request's key, or of what was sent"},
		{Column: "digest", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "a day, or until the person is erased", Note: "hash of what was sent"},
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "a day, or until the person is erased"},
	}},
	{Name: "taste_events", Set: sqldb.Core, Holder: "taste", Plain: []string{"seq"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "body", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Sealed: true, Retention: untilErased, Note: "what they say about the lists that are made for them"},
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: untilErased},
	}},
	{Name: "taste_state", Set: sqldb.Core, Holder: "taste", Plain: []string{"seq"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "body", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Sealed: true, Retention: untilErased, Note: "what of it stands"},
	}},
	{Name: "consent_counts", Set: sqldb.Core, Plain: []string{"day", "purpose", "state", "component", "notice_version", "n"}}, // counts; nobody is in them
	{Name: "consent_tills", Set: sqldb.Core, Plain: []string{"till", "key_id", "public_key", "created_at", "revoked_at"}},
	{Name: "consent_batches", Set: sqldb.Core, Plain: []string{"till", "sequence", "key_id", "digest", "entries", "recorded", "rejected", "recorded_at"}},
	{Name: "consent_notices", Set: sqldb.Core, Plain: []string{"hash", "lang", "version", "body", "matrix", "created_at"}},
	{Name: "gate_uses", Set: sqldb.Core, Holder: "gate", Plain: []string{"id"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "at", Category: thimble.AccessRecord, Source: "recorded by the gate", Purposes: duty, Retention: untilErased},
		{Column: "actor_kind", Category: thimble.AccessRecord, Source: "recorded by the gate", Purposes: duty, Retention: untilErased},
		{Column: "actor", Category: thimble.AccessRecord, Source: "recorded by the gate", Purposes: duty, Retention: untilErased, People: []string{"customer", "employee"}, Measures: []Measure{}, Note: "the name of who looked, who may be staff"},
		{Column: "purpose", Category: thimble.AccessRecord, Source: "recorded by the gate", Purposes: duty, Retention: untilErased},
		{Column: "categories", Category: thimble.AccessRecord, Source: "recorded by the gate", Purposes: duty, Retention: untilErased},
		{Column: "holders", Category: thimble.AccessRecord, Source: "recorded by the gate", Purposes: duty, Retention: untilErased, Note: "who keeps what was asked for"},
		{Column: "uses", Category: thimble.AccessRecord, Source: "recorded by the gate", Purposes: duty, Retention: untilErased},
		{Column: "opening", Category: thimble.AccessRecord, Source: "recorded by the gate", Purposes: duty, Sealed: true, Retention: untilErased},
	}},
	{Name: "gate_canaries", Set: sqldb.Core, Holder: "gate", Plain: []string{"planted_at"}, Fields: []Field{
		pseudonym("of somebody who was made up, so that whoever opens them is noticed", duty...),
	}},
	{Name: "gate_alarms", Set: sqldb.Core, Plain: []string{"id", "kind", "actor_kind", "actor", "hour", "people", "reads", "why", "raised_at", "state", "closed_by", "closed_at", "note", "opening", "closing"}},
	{Name: "gate_moves", Set: sqldb.Core, Holder: "gate", Plain: []string{"batch", "tick"}, Fields: []Field{
		{Column: "subject_id", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: duty, Retention: "two minutes", Note: "whose choices have changed, for the other processes to hear"},
		{Column: "at", Category: thimble.AccessRecord, Source: "recorded by the gate", Purposes: duty, Retention: "two minutes"},
	}},
	{Name: "recommend_leaving", Set: sqldb.Core, Holder: "recommend", Plain: []string{"id"}, Fields: []Field{
		{Column: "subject_id", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: duty, Retention: "until no model is kept that knew them: seconds", Note: "who is to be taken out of the recommender's models"},
		{Column: "at", Category: thimble.AccessRecord, Source: "recorded by recommend", Purposes: duty, Retention: "until no model is kept that knew them: seconds"},
	}},
	{Name: "recommend_turns", Set: sqldb.Core, Plain: []string{"id", "turn"}},
	{Name: "gate_nodes", Set: sqldb.Core, Plain: []string{"node", "seen", "lease_until", "joined_at"}},
	{Name: "gate_clock", Set: sqldb.Core, Plain: []string{"id", "tick"}},
	{Name: "gate_batches", Set: sqldb.Core, Plain: []string{"id", "at", "uses", "opening"}},
	{Name: "disclose_recipients", Set: sqldb.Core, Plain: []string{"id", "name", "kind", "contact", "countries", "transport", "endpoint", "sealing_key", "secret", "status", "why", "generation", "created_at", "changed_at"}},
	{Name: "disclose_agreements", Set: sqldb.Core, Plain: []string{"id", "recipient_id", "version", "state", "body", "loosens", "submitted_by", "submitted_at"}},
	{Name: "disclose_acts", Set: sqldb.Core, Plain: []string{"id", "recipient_id", "agreement_id", "act", "staff", "reason", "at", "opening"}},
	{Name: "disclose_messages", Set: sqldb.Core, Holder: "disclose", Plain: []string{"id", "disclosure_id", "recipient_id", "agreement_id", "kind", "purpose", "brand", "fields", "categories", "media_type", "people",
		"state", "why", "status", "tries", "bytes", "created_at", "first_at", "next_at", "lease_until", "fence", "sent_at", "ack_within", "ack_due", "acked_at",
		"opening", "cause"}, Fields: []Field{
		{Column: "body", Category: "user.contact.email", Source: "the person", Purposes: duty, Sealed: true, Retention: "until it was sent, three days of tries at most", Note: "of the last letter to somebody who is erased, their address and the letter; else of a message about nobody, or the pseudonym of nobody any more in a notice of erasure. Sealed by the installation"},
	}},
	{Name: "disclose_people", Set: sqldb.Core, Holder: "disclose", Plain: []string{"message_id", "place", "generation"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "lookup", Category: thimble.Pseudonym, Source: "made by disclose", Purposes: duty, Retention: untilErased, Note: "keyed hash of the pseudonym that a recipient has", Measures: []Measure{KeyedHash}},
		{Column: "at", Category: thimble.AccessRecord, Source: "recorded by disclose", Purposes: duty, Retention: untilErased},
		{Column: "state", Category: thimble.AccessRecord, Source: "recorded by disclose", Purposes: duty, Retention: untilErased},
		{Column: "opening", Category: thimble.AccessRecord, Source: "recorded by disclose", Purposes: duty, Sealed: true, Retention: untilErased, Note: "who got which fields, what for"},
		{Column: "part", Category: thimble.PurchaseHistory, Source: "what is on its way to a recipient", Purposes: service, Sealed: true, Retention: "until it was sent, thirty days at most, or until the person is erased", Note: "of the categories that the message names"},
	}},
	{Name: "disclose_tries", Set: sqldb.Core, Plain: []string{"message_id", "n", "at", "ended_at", "result", "why", "status", "bytes"}},
	{Name: "disclose_feeds", Set: sqldb.Core, Plain: []string{"recipient_id", "feed", "position", "ran_at"}},
	{Name: "decision_decisions", Set: sqldb.Core, Holder: "decision", Plain: []string{"id", "capability", "model", "batch", "place", "about", "standing", "cause", "again"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "at", Category: thimble.AutomatedDecision, Source: "made by a model", Purposes: duty, Retention: untilErased},
		{Column: "body", Category: thimble.AutomatedDecision, Source: "made by a model", Purposes: duty, Sealed: true, Retention: untilErased, Note: "results, terms, inputs by category"},
	}},
	{Name: "decision_batches", Set: sqldb.Core, Plain: []string{"id", "size", "gone", "leaves", "opening"}},
	{Name: "decision_contests", Set: sqldb.Core, Holder: "decision", Plain: []string{"id", "decision_id", "appeal", "due_at", "rule", "state", "outcome"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "opened_at", Category: thimble.AutomatedDecision, Source: "the person", Purposes: duty, Retention: untilErased},
		{Column: "reviewer", Category: thimble.AccountIdentifier, Source: "given at sign-in", Purposes: duty, Retention: untilErased, People: []string{"employee"}, Measures: []Measure{}, Note: "who of the staff reviews"},
	}},
	{Name: "decision_steps", Set: sqldb.Core, Holder: "decision", Plain: []string{"id", "contest_id", "kind"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "at", Category: thimble.AutomatedDecision, Source: "the person, or who reviews", Purposes: duty, Retention: untilErased},
		{Column: "body", Category: thimble.AutomatedDecision, Source: "the person, or who reviews", Purposes: duty, Sealed: true, Retention: untilErased, Note: "why it is contested, and what was answered"},
	}},
	{Name: "rights_certificates", Set: sqldb.Core, Plain: []string{"request_id", "issue", "at", "settled", "opening"}},
	{Name: "rights_requests", Set: sqldb.Core, Holder: "rights", Plain: []string{"id", "kind", "state", "done_at", "report", "opening"}, Fields: []Field{
		pseudonym("unlinked when the person is erased", duty...),
		{Column: "others", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: duty, Retention: "until the request is done", Note: "whom else an open request concerns: other members, or whom they are merged with"},
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "stays, without a person"},
	}},
	{Name: "rights_tickets", Set: sqldb.Core, Holder: "rights", Plain: []string{"digest"}, Fields: []Field{
		pseudonym("", duty...),
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "a quarter of an hour, or until it is used"},
		{Column: "until", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "a quarter of an hour, or until it is used", Note: "until when they may take everything along, once"},
	}},
	{Name: "subject_held", Set: sqldb.Core, Holder: "subject", Plain: []string{"hold_id", "n", "category", "from_at", "until_at", "law"}, Fields: []Field{
		pseudonym("whose records a law has the shop keep; empty for everybody's", duty...),
	}},
	{Name: "retention_holds", Set: sqldb.Core, Holder: "retention", Plain: []string{"id", "personal", "categories", "from_at", "until_at", "law", "reason", "secret", "review_at", "state", "floor", "opened_by", "opened_at", "asked_by", "asked_at", "released_by", "released_at"}, Fields: []Field{
		pseudonym("whose records a law has the shop keep", duty...),
	}},
	{Name: "retention_stopped", Set: sqldb.Core, Holder: "retention", Plain: []string{"request"}, Fields: []Field{
		pseudonym("whose erasure waits for what is held", duty...),
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "until the erasure is done"},
	}},
	{Name: "retention_warnings", Set: sqldb.Core, Holder: "retention", Plain: []string{"span", "source", "state", "why", "messages", "next_at"}, Fields: []Field{
		pseudonym("who is told that they are forgotten for not having been there", duty...),
		{Column: "seen_on", Category: thimble.PrivacyPreferences, Source: "whatever the person does", Purposes: duty, Retention: "until they are forgotten, or 30 days after they came back", Note: "the day on which they were there last"},
		{Column: "due_on", Category: thimble.PrivacyPreferences, Source: "made with the warning", Purposes: duty, Retention: "until they are forgotten, or 30 days after they came back", Note: "from which day they are forgotten"},
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "made with the warning", Purposes: duty, Retention: "until they are forgotten, or 30 days after they came back"},
		{Column: "told_at", Category: thimble.PrivacyPreferences, Source: "made with the warning", Purposes: duty, Retention: "until they are forgotten, or 30 days after they came back", Note: "when the letter went out"},
	}},
	{Name: "retention_documents", Set: sqldb.Core, Plain: []string{"version", "body", "staff", "reason", "at"}},
	{Name: "retention_runs", Set: sqldb.Core, Plain: []string{"id", "category", "clock", "rule", "before", "state", "proof", "why", "confirmed_by", "at", "done_at", "opening"}}, // counts, and a root over keyed hashes; nobody is in them
	{Name: "retention_gathered", Set: sqldb.Core, Plain: []string{"name", "seq"}},
	{Name: "retention_cuts", Set: sqldb.Core, Plain: []string{"category", "purpose", "since"}},
	{Name: "retention_proposals", Set: sqldb.Core, Plain: []string{"category", "holder", "state", "used_at", "since", "raised_at", "decided_by", "decided_at", "note"}},
	{Name: "retention_acts", Set: sqldb.Core, Plain: []string{"id", "about", "act", "staff", "detail", "at", "opening"}},
	{Name: "cases_requests", Set: sqldb.Core, Holder: "cases", Plain: []string{"id", "kind", "state", "via", "due_at", "closed_at", "steps", "facts", "ack_by", "ack_at", "ack_rule", "limited"}, Fields: []Field{
		pseudonym("empty for nobody's; unlinked when the person is erased", duty...),
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "stays, without a person"},
		{Column: "staff", Category: thimble.AccountIdentifier, Source: "given at sign-in", Purposes: duty, Retention: "stays", People: []string{"employee"}, Measures: []Measure{}, Note: "who of the staff has the request"},
		{Column: "refuser", Category: thimble.AccountIdentifier, Source: "given at sign-in", Purposes: duty, Retention: "stays", People: []string{"employee"}, Measures: []Measure{}, Note: "who of the staff refused it, and so does not decide an appeal"},
	}},
	{Name: "cases_steps", Set: sqldb.Core, Holder: "cases", Plain: []string{"case_id", "n", "what", "opening"}, Fields: []Field{
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person, or who answers", Purposes: duty, Retention: "stays, without a person"},
		{Column: "staff", Category: thimble.AccountIdentifier, Source: "given at sign-in", Purposes: duty, Retention: "stays", People: []string{"employee"}, Measures: []Measure{}, Note: "who of the staff did it"},
		{Column: "words", Category: thimble.PrivacyPreferences, Source: "the person, or who answers", Purposes: duty, Sealed: true, Retention: untilErased, Note: "what was written at a step"},
	}},
	{Name: "cases_agents", Set: sqldb.Core, Holder: "cases", Plain: []string{"case_id", "agent_id", "asked", "digest", "calls", "told", "told_steps", "revoked_at"}, Fields: []Field{
		{Column: "reference", Category: thimble.PrivacyPreferences, Source: "an agent of the person", Purposes: duty, Sealed: true, Retention: "60 days after the request is closed", Note: "the agent's own number of its request"},
		{Column: "attorney", Category: thimble.PrivacyPreferences, Source: "an agent of the person", Purposes: duty, Sealed: true, Retention: untilErased, Note: "which power of attorney the agent says it has"},
		{Column: "chain", Category: thimble.PrivacyPreferences, Source: "a firm that the person asked", Purposes: duty, Sealed: true, Retention: untilErased, Note: "the token with which another firm passed a request on"},
	}},
	{Name: "letters_letters", Set: sqldb.Core, Plain: []string{"case_id", "n", "kind", "state", "why", "messages", "at", "next_at", "sent_at"}}, // which letters were owed, by their requests; neither an address nor a word of one
	{Name: "regulation_regulations", Set: sqldb.Core, Plain: []string{"id", "verb", "type", "key_name", "at", "unknown", "untouched"}},
	{Name: "regulation_cases", Set: sqldb.Core, Plain: []string{"regulation_id", "case_id"}},
	{Name: "ddrf_received", Set: sqldb.Core, Plain: []string{"mark", "digest", "requester", "first", "case_id", "at"}},
	{Name: "agents_agents", Set: sqldb.Core, Plain: []string{"id", "name", "verify_key", "web", "assurance", "callback", "state", "added_at", "changed_at"}},
	{Name: "agents_tokens", Set: sqldb.Core, Plain: []string{"digest", "setup", "agent_id", "at"}},
	{Name: "agents_acts", Set: sqldb.Core, Plain: []string{"id", "agent_id", "act", "at", "opening"}, Fields: []Field{
		employee("staff", thimble.AccountIdentifier, "given at sign-in", "stays"),
	}},
	{Name: "agents_calls", Set: sqldb.Core, Plain: []string{"id", "case_id", "agent_id", "status", "at", "state", "why", "tries", "next_at", "opening"}},
	{Name: "systems_systems", Set: sqldb.Core, Plain: []string{"id", "name", "kinds", "means", "endpoint", "names", "recipient_id", "necessity", "days", "instructions", "secret", "ended", "created_at", "changed_at"}},
	{Name: "systems_acts", Set: sqldb.Core, Plain: []string{"id", "system_id", "act", "staff", "at", "opening"}},
	{Name: "systems_tasks", Set: sqldb.Core, Holder: "systems", Plain: []string{"id", "system_id", "case_id", "cause", "kind", "means", "state", "why", "due_at", "told_at", "acked_at", "ended_at", "last_at", "proof", "tries", "status",
		"first_at", "next_at", "lease_until", "fence", "remote"}, Fields: []Field{
		pseudonym("unlinked when the person is erased", duty...),
		{Column: "at", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: "stays, without a person"},
		{Column: "staff", Category: thimble.AccountIdentifier, Source: "given at sign-in", Purposes: duty, Retention: "stays", People: []string{"employee"}, Measures: []Measure{}, Note: "who of the staff did it in the system by hand"},
		{Column: "told", Category: thimble.AccountIdentifier, Source: "taken when the request begins, before a key is destroyed", Purposes: duty, Sealed: true, Retention: "until the system has done it, until the request is closed, or ninety days after its date", Note: "what a system outside knows the person by; sealed by the installation, since the person's key may be gone"},
	}},
	{Name: "opendsr_controllers", Set: sqldb.Core, Plain: []string{"id", "name", "digest", "hosts", "ended", "created_at", "copies"}},
	{Name: "opendsr_requests", Set: sqldb.Core, Plain: []string{"controller_id", "request_id", "case_id", "type", "regulation", "submitted_at", "received_at", "expected_at", "callbacks", "status", "reason", "results", "results_until", "results_count"}}, // whose the case is, the case knows
	{Name: "opendsr_callbacks", Set: sqldb.Core, Plain: []string{"id", "controller_id", "request_id", "url", "status", "state", "why", "tries", "first_at", "next_at", "lease_until"}},
	{Name: "session_links", Set: sqldb.Core, Holder: "session", Plain: []string{"audience"}, Fields: []Field{
		pseudonym("empty for staff", service...),
		{Column: "staff", Category: thimble.AccountIdentifier, Source: "given at sign-in", Purposes: service, Retention: untilExpired, People: []string{"employee"}, Measures: []Measure{}, Note: "empty for customers"},
		{Column: "hash", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: untilExpired, Measures: []Measure{TokenHash}},
		{Column: "created_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: untilExpired},
		{Column: "expires_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: untilExpired},
		{Column: "used_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: untilExpired},
	}},
	{Name: "session_sessions", Set: sqldb.Core, Holder: "session", Plain: []string{"audience", "id"}, Fields: []Field{
		pseudonym("empty for staff", service...),
		{Column: "staff", Category: thimble.AccountIdentifier, Source: "given at sign-in", Purposes: service, Retention: untilExpired, People: []string{"employee"}, Measures: []Measure{}, Note: "empty for customers"},
		{Column: "hash", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: untilExpired, Measures: []Measure{TokenHash}},
		{Column: "device", Category: thimble.Credentials, Source: "the browser", Purposes: service, Retention: untilExpired, Note: "family of browser and system; nothing finer"},
		{Column: "created_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: untilExpired},
		{Column: "seen_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: untilExpired},
		{Column: "raised_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: untilExpired, Note: "when they last proved who they are"},
		{Column: "expires_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: untilExpired},
	}},
	{Name: "session_codes", Set: sqldb.Core, Holder: "session", Plain: []string{"tries"}, Fields: []Field{
		pseudonym("empty when nobody has the address", service...),
		{Column: "browser", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: "a day", Measures: []Measure{TokenHash}},
		{Column: "code", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: "a day", Measures: []Measure{TokenHash}},
		{Column: "created_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: "a day"},
		{Column: "expires_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: "a day"},
		{Column: "used_at", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Retention: "a day"},
	}},
	{Name: "session_asks", Set: sqldb.Core, Holder: "session", Plain: []string{"hour", "asks"}, Fields: []Field{
		{Column: "mark", Category: "user.contact.email", Source: "typed in at sign-in", Purposes: service, Retention: "a day", Note: "keyed hash of an address, to count how many codes were asked for it", Measures: []Measure{KeyedHash}},
	}},
	{Name: "session_tokens", Set: sqldb.Core, Plain: []string{"hash", "expires_at"}}, // ids of the shop's tokens; nobody is in them
	{Name: "staff_accounts", Set: sqldb.Core, Plain: []string{"id", "roles", "status"}, Fields: []Field{
		employee("name", thimble.AccountIdentifier, "given by the shop", "stays, so that the log says who it was; nobody gets it again"),
		employee("password", thimble.Credentials, "chosen at sign-in", untilLeft, KeyedHash),
		{Column: "secret", Category: thimble.Credentials, Source: "made at sign-in", Purposes: service, Sealed: true, Retention: untilLeft, People: []string{"employee"}, Note: "what an app makes codes of"},
		employee("code_step", thimble.Credentials, "made at sign-in", untilLeft),
		employee("trained_until", thimble.AccountIdentifier, "given by the shop", untilLeft),
		employee("created_at", thimble.AccountIdentifier, "given by the shop", "stays with the name"),
		employee("seen_at", thimble.AccountIdentifier, "made at sign-in", "stays with the name"),
	}},
	{Name: "staff_recovery", Set: sqldb.Core, Plain: []string{"account_id"}, Fields: []Field{
		employee("hash", thimble.Credentials, "made at sign-in", untilLeft, TokenHash),
		employee("used_at", thimble.Credentials, "made at sign-in", untilLeft),
	}},
	{Name: "staff_browsers", Set: sqldb.Core, Plain: []string{"account_id"}, Fields: []Field{
		employee("hash", thimble.Credentials, "made at sign-in", "sixty days", TokenHash),
		employee("expires_at", thimble.Credentials, "made at sign-in", "sixty days"),
	}},
	{Name: "staff_changes", Set: sqldb.Core, Plain: []string{"id", "account_id"}, Fields: []Field{
		employee("at", thimble.AccountIdentifier, "recorded when an account changes", "stays: it is the record of who could do what"),
		{Column: "opening", Category: thimble.AccountIdentifier, Source: "recorded when an account changes", Purposes: duty, Retention: "stays: it is the record of who could do what", People: []string{"employee"}, Measures: []Measure{}, Note: "account, change, who made it, why"},
	}},
	{Name: "staff_glass", Set: sqldb.Core, Holder: "staff", Plain: []string{"id"}, Fields: []Field{
		pseudonym("for whom it was broken", duty...),
		{Column: "account", Category: thimble.AccessRecord, Source: "recorded when staff break the glass", Purposes: duty, Retention: untilErased, People: []string{"customer", "employee"}, Measures: []Measure{}, Note: "the name of who broke it"},
		{Column: "kind", Category: thimble.AccessRecord, Source: "recorded when staff break the glass", Purposes: duty, Retention: untilErased},
		{Column: "at", Category: thimble.AccessRecord, Source: "recorded when staff break the glass", Purposes: duty, Retention: untilErased},
		{Column: "until", Category: thimble.AccessRecord, Source: "recorded when staff break the glass", Purposes: duty, Retention: untilErased},
		{Column: "opening", Category: thimble.AccessRecord, Source: "recorded when staff break the glass", Purposes: duty, Sealed: true, Retention: untilErased, Note: "with the reason"},
		{Column: "reviewed_by", Category: thimble.AccessRecord, Source: "recorded when somebody else looks at it", Purposes: duty, Retention: untilErased, People: []string{"customer", "employee"}, Measures: []Measure{}},
		{Column: "reviewed_at", Category: thimble.AccessRecord, Source: "recorded when somebody else looks at it", Purposes: duty, Retention: untilErased},
		{Column: "review", Category: thimble.AccessRecord, Source: "recorded when somebody else looks at it", Purposes: duty, Sealed: true, Retention: untilErased, Note: "with what they found"},
		{Column: "fine", Category: thimble.AccessRecord, Source: "recorded when somebody else looks at it", Purposes: duty, Retention: untilErased},
	}},
	{Name: "staff_reviews", Set: sqldb.Core, Plain: []string{"id", "account_id"}, Fields: []Field{
		employee("at", thimble.AccountIdentifier, "recorded when roles are confirmed", "stays: it is the record of who could do what"),
		employee("opening", thimble.AccountIdentifier, "recorded when roles are confirmed", "stays: it is the record of who could do what"),
	}},
	{Name: "subject_subjects", Set: sqldb.Core, Holder: "subject", Plain: []string{"state", "epoch"}, Fields: []Field{
		{Column: "person", Category: thimble.Pseudonym, Source: "made when two accounts are found to be one person", Purposes: service, Retention: untilErased, Note: "empty for somebody with one account"},
		{Column: "joined", Category: thimble.AccountIdentifier, Source: "made when two accounts are found to be one person", Purposes: service, Retention: untilErased},
		{Column: "restricted", Category: thimble.PrivacyPreferences, Source: "the person", Purposes: duty, Retention: untilErased},
		{Column: "age", Category: "user.demographic.age_range", Source: "declared, or evidence such as a payment", Purposes: duty, Sealed: true, Retention: untilErased, Note: "adult or minor; no date of birth"},
		{Column: "id", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: learning, Retention: "stays as a number that leads to nobody, so that it is never given again"},
		{Column: "residence", Category: thimble.Country, Source: "the shop's orders, or declared", Purposes: duty, Sealed: true, Retention: untilErased},
		{Column: "created_at", Category: thimble.Pseudonym, Source: "made with the person", Purposes: service, Retention: untilErased},
		{Column: "seen_on", Category: thimble.AccountIdentifier, Source: "whatever the person does", Purposes: duty, Retention: untilErased, Note: "the day on which they were there last, without an hour: laws have whoever is not there for years forgotten"},
	}},
	{Name: "subject_merges", Set: sqldb.Core, Holder: "subject", Plain: []string{"id"}, Fields: []Field{
		{Column: "survivor", Category: thimble.Pseudonym, Source: "staff, the shop's systems, or the person", Purposes: service, Retention: "until parted or erased"},
		{Column: "absorbed", Category: thimble.Pseudonym, Source: "staff, the shop's systems, or the person", Purposes: service, Retention: "until parted or erased"},
		{Column: "at", Category: thimble.AccountIdentifier, Source: "made with the link", Purposes: service, Retention: "until parted or erased"},
		{Column: "sealed", Category: thimble.AccountIdentifier, Source: "staff, the shop's systems, or the person", Purposes: service, Sealed: true, Retention: "until parted or erased", Note: "why the two are one person"},
	}},
	{Name: "subject_relations", Set: sqldb.Core, Holder: "subject", Fields: []Field{
		{Column: "subject", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: service, Retention: untilErased},
		{Column: "other", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: service, Retention: untilErased},
		{Column: "at", Category: "user.demographic", Source: "made with the relation", Purposes: service, Retention: untilErased},
		{Column: "sealed", Category: "user.demographic", Source: "the person, or an order for somebody else", Purposes: service, Sealed: true, Retention: untilErased, Note: "household, presents or guardian"},
	}},
	{Name: "subject_generations", Set: sqldb.Core, Plain: []string{"kind", "gen"}},
	{Name: "subject_identifiers", Set: sqldb.Core, Holder: "subject", Plain: []string{"kind", "gen", "mark_gen"}, Fields: []Field{
		{Column: "subject", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: service, Retention: untilErased},
		{Column: "blind", Category: thimble.AccountIdentifier, Source: "the shop", Purposes: service, Retention: untilErased, Note: "keyed blind index", Measures: []Measure{KeyedHash}},
		{Column: "sealed", Category: thimble.AccountIdentifier, Source: "the shop", Purposes: service, Sealed: true, Retention: untilErased},
		{Column: "mark", Category: thimble.AccountIdentifier, Source: "the shop", Purposes: service, Retention: "moves to the suppressions when the person is erased", Note: "keyed hash under its own key", Measures: []Measure{KeyedHash}},
		{Column: "created_at", Category: thimble.AccountIdentifier, Source: "the shop", Purposes: service, Retention: untilErased},
	}},
	{Name: "subject_suppressions", Set: sqldb.Core, Holder: "subject", Plain: []string{"gen"}, Fields: []Field{
		{Column: "mark", Category: thimble.AccountIdentifier, Source: "kept of a forgotten person", Purposes: duty, Retention: "stays, so that an old file does not bring the person back", Note: "keyed hash; leads to nobody without the identifier", Measures: []Measure{KeyedHash}},
	}},
	{Name: "log_frames", Set: sqldb.Log, Holder: "collect", Plain: []string{"seq", "received_at", "elapsed"}, Fields: []Field{
		{Column: "bytes", Category: "user.behavior", Source: "the shop's events", Purposes: events, Sealed: true, Retention: "leaves the log within a day of the erasure, and by category when its time has come", Note: "records of many people: each one's parts are sealed under their own key, a part for each category, beside random ids"},
	}},
	{Name: "collect_postings", Set: sqldb.View, Holder: "collect", Plain: []string{"block"}, Fields: []Field{
		pseudonym("", events...),
		{Column: "body", Category: "user.behavior", Source: "the shop's events", Purposes: events, Retention: untilErased, Note: "where in the log their events lie"},
	}},
	{Name: "collect_months", Set: sqldb.View, Holder: "collect", Plain: []string{"part"}, Fields: []Field{
		pseudonym("", learning...),
		{Column: "category", Category: "user.behavior", Source: "the shop's events", Purposes: events, Retention: "until that category's time has come, or the person is erased", Note: "what kind of data the row was made of"},
		{Column: "month", Category: "user.behavior", Source: "the shop's events", Purposes: events, Retention: "until that category's time has come, or the person is erased", Note: "in which the events came in"},
		{Column: "interactions", Category: "user.behavior", Source: "the shop's events", Purposes: []thimble.Purpose{thimble.PersonalizeContent, thimble.TrainAISystem}, Sealed: true, Retention: "until that category's time has come, the purpose is no longer permitted, or the person is erased", Note: "which products were looked at, put in the basket, wished for, bought, taken back"},
		{Column: "profile", Category: "user.behavior", Source: "the shop's events", Purposes: []thimble.Purpose{thimble.PersonalizeContent, "analytics", "functional.service"}, Sealed: true, Retention: "until that category's time has come, no purpose is permitted any more, or the person is erased", Note: "when they were here and what for, in counts"},
	}},
	{Name: "collect_demand", Set: sqldb.View, Plain: []string{"day", "event", "item", "n"}}, // counts; nobody is in them
	{Name: "collect_cursors", Set: sqldb.View, Plain: []string{"name", "seq", "builder", "lease_until"}},
	{Name: "collect_positions", Set: sqldb.Core, Plain: []string{"name", "seq", "builder", "lease_until"}},
	{Name: "collect_early", Set: sqldb.Core, Plain: []string{"seq", "since"}},
	{Name: "collect_dead", Set: sqldb.Core, Plain: []string{"seq", "noted_at"}},
	{Name: "subject_shared", Set: sqldb.Core, Holder: "subject", Fields: []Field{
		{Column: "mark", Category: "user.device.device_id", Source: "two accounts were seen with one device", Purposes: service, Retention: "400 days", Note: "keyed hash; of no subject, and leads to nobody", Measures: []Measure{KeyedHash}},
		{Column: "at", Category: "user.device.device_id", Source: "noted when it was seen", Purposes: service, Retention: "400 days"},
	}},
	{Name: "log_orders", Set: sqldb.Log, Plain: []string{"key", "seq"}},
	{Name: "log_head", Set: sqldb.Log, Plain: []string{"one", "probes"}},
	{Name: "log_unreadable", Set: sqldb.Log, Plain: []string{"seq", "found_at"}},
	{Name: "vault_keys", Set: sqldb.Keys, Holder: "vault", Plain: []string{"class", "chain", "gen", "month", "epoch", "wrapped", "commitment"}, Fields: []Field{
		{Column: "owner", Category: thimble.Pseudonym, Source: "drawn at random by Thimble", Purposes: service, Retention: untilErased},
		{Column: "created_at", Category: thimble.Pseudonym, Source: "made with the person", Purposes: service, Retention: untilErased},
	}},
	{Name: "vault_tombstones", Set: sqldb.Keys, Plain: []string{"mark", "seq", "key_hash"}},
	{Name: "vault_installation", Set: sqldb.Keys, Plain: []string{"one", "id", "epoch_floor"}},
	{Name: "vault_epochs", Set: sqldb.Keys, Plain: []string{"number", "day", "wrapped", "commitment"}},
	{Name: "vault_classes", Set: sqldb.Keys, Plain: []string{"class", "month", "changes"}},
	{Name: "vault_secrets", Set: sqldb.Keys, Plain: []string{"name", "sealed", "created_at"}},

	{Name: "apikey_keys", Set: sqldb.Core, Plain: []string{"id", "hash", "hint", "name", "scopes", "created_at", "used_at", "revoked_at"}},
	{Name: "job_jobs", Set: sqldb.Core, Plain: []string{"id", "kind", "payload", "dedupe", "run_at", "state", "tries", "lease_until", "fence", "error", "created_at", "finished_at", "claim"}},
	{Name: "job_schedules", Set: sqldb.Core, Plain: []string{"name", "next_at", "last_at"}},
	{Name: "policy_packs", Set: sqldb.Core, Plain: []string{"hash", "pack_id", "version", "body", "first_seen"}},
	{Name: "policy_layers", Set: sqldb.Core, Plain: []string{"seq", "day", "packs_hash", "law", "applied", "packs", "standing", "waiting", "at", "opening"}},
	{Name: "policy_acceptances", Set: sqldb.Core, Plain: []string{"id", "layer", "change_id", "change", "places", "reason", "staff", "at", "opening"}},
	{Name: "policy_reviews", Set: sqldb.Core, Plain: []string{"id", "pack_id", "version", "hash", "reviewer", "reviewed_on", "note", "staff", "at", "opening"}},
	{Name: "policy_people", Set: sqldb.Core, Plain: []string{"places", "age", "permits", "people", "at"}}, // counts
	{Name: "ledger_queue", Set: sqldb.Core, Plain: []string{"id", "leaf", "queued_at"}},
	{Name: "ledger_leaves", Set: sqldb.Core, Plain: []string{"idx", "leaf"}},
	{Name: "ledger_hashes", Set: sqldb.Core, Plain: []string{"idx", "hash"}},
	{Name: "ledger_state", Set: sqldb.Core, Plain: []string{"id", "size", "note", "epoch", "leaf_base", "hash_base"}},
	{Name: "ledger_epochs", Set: sqldb.Core, Plain: []string{"epoch", "vkey", "leaf_base", "hash_base", "size", "note", "cosigned", "opening", "ended_at"}},
	{Name: "ledger_cosigned", Set: sqldb.Core, Plain: []string{"id", "size", "note"}},
	{Name: "ledger_witnesses", Set: sqldb.Core, Plain: []string{"vkey", "state", "cause", "size", "asked_at", "changed_at", "clock_off"}},
	{Name: "ledger_intents", Set: sqldb.Core, Plain: []string{"id", "kind", "payload", "opened_at", "opening", "done_at", "outcome", "completion"}},
	{Name: "ledger_audits", Set: sqldb.Core, Plain: []string{"id", "at", "took_ms", "size", "compared", "findings"}},
	{Name: "ledger_lease", Set: sqldb.Core, Plain: []string{"id", "holder", "fence", "lease_until"}},
	{Name: "catalog_products", Set: sqldb.Core, Plain: []string{"id", "name", "words", "kind", "price_minor", "currency", "category", "sold_orders", "sold_units", "updated_at",
		"brand", "colour", "size", "gender", "age_group", "material", "season", "item_group", "adult", "availability", "since"}},
	{Name: "order_batches", Set: sqldb.Core, Plain: []string{"id", "last"}},
	{Name: "catalog_stock", Set: sqldb.Core, Plain: []string{"item_id", "place", "units", "at"}},
	{Name: "catalog_revision", Set: sqldb.Core, Plain: []string{"part", "n"}},
	{Name: "catalog_demand", Set: sqldb.Core, Plain: []string{"day", "item_id", "orders", "units"}},
	{Name: "collect_imports", Set: sqldb.Core, Plain: []string{"id", "name", "kind", "feed", "source", "state", "line", "row_count", "orders", "returns", "guests", "known", "suppressed", "subjects", "no_country", "rejected", "reasons", "more", "started_at", "updated_at"}},
	{Name: "collect_deliveries", Set: sqldb.Core, Plain: []string{"digest", "feed", "topic", "at", "became"}},
	{Name: "collect_shops", Set: sqldb.Core, Plain: []string{"name", "bare", "at"}},
	{Name: "collect_receipts", Set: sqldb.Core, Plain: []string{"till", "sequence", "key_id", "digest", "receipts", "recorded_at", "open"}},
	{Name: "collect_facts", Set: sqldb.Core, Holder: "imports", Plain: []string{"fact"}, Fields: []Field{
		pseudonym("", service...),
		{Column: "body", Category: "user.name", Source: "the shop's list of customers", Purposes: service, Sealed: true, Retention: untilErased, Note: "of the fact \"name\""},
		{Column: "at", Category: "user.name", Source: "the shop's list of customers", Purposes: service, Retention: untilErased, Note: "when the name was last brought"},
		{Column: "body", Category: "user.contact.address.state", Source: "the shop's list of customers", Purposes: service, Sealed: true, Retention: untilErased, Note: "of the fact \"region\": a state or province"},
		{Column: "at", Category: "user.contact.address.state", Source: "the shop's list of customers", Purposes: service, Retention: untilErased, Note: "when the region was last brought"},
	}},
	{Name: "collect_reviews", Set: sqldb.Core, Holder: "imports", Plain: []string{"id", "item_id"}, Fields: []Field{
		pseudonym("empty for a review of nobody who is known, of which no text is kept", service...),
		{Column: "lookup", Category: "user.content.public", Source: "the shop's reviews", Purposes: service, Retention: untilErased, Note: "keyed hash of its number, or of who says what of which item; of a review of nobody, of item, day and stars", Measures: []Measure{KeyedHash}},
		{Column: "rating", Category: "user.content.public", Source: "the shop's reviews", Purposes: service, Retention: untilErased},
		{Column: "at", Category: "user.content.public", Source: "the shop's reviews", Purposes: service, Retention: untilErased, Note: "of a review of nobody the day"},
		{Column: "body", Category: "user.content.public", Source: "the shop's reviews", Purposes: service, Sealed: true, Retention: untilErased, Note: "title and text, without what leads to a person"},
	}},
	{Name: "collect_sources", Set: sqldb.Core, Plain: []string{"number", "name", "kind", "origins", "consents", "created_at", "ended_at"}},
	{Name: "collect_source_keys", Set: sqldb.Core, Plain: []string{"hash", "source", "public", "hint", "created_at", "ends_at"}},
	{Name: "collect_source_changes", Set: sqldb.Core, Plain: []string{"seq", "source", "change", "staff", "at", "opening"}},
	{Name: "collect_plans", Set: sqldb.Core, Plain: []string{"version", "hash", "body", "author", "reason", "loosens", "at", "opening"}},
	{Name: "collect_plan_drafts", Set: sqldb.Core, Plain: []string{"id", "base", "body", "author", "note", "state", "revision", "version", "decided_by", "created_at", "changed_at"}},
	{Name: "collect_minutes", Set: sqldb.Core, Plain: []string{"source", "minute", "events", "kept", "denied", "nobody", "repeated", "unplanned", "broken", "gone", "not_kept", "violations", "unknown"}}, // counts; nobody is in them
	{Name: "collect_violations", Set: sqldb.Core, Plain: []string{"source", "event", "path", "expected", "got", "n", "first_at", "last_at"}},                                                              // names of the plan and types; no value
	{Name: "collect_proposals", Set: sqldb.Core, Plain: []string{"id", "event", "within", "name", "shape", "category", "transform", "confidence", "why", "n", "first_at", "last_at", "later", "source"}},
	{Name: "collect_rejects", Set: sqldb.Core, Plain: []string{"import_id", "line", "reason"}},
	{Name: "recommend_device_files", Set: sqldb.Core, Plain: []string{"number", "kind", "actor", "reason", "made_at", "until", "ended_at", "ended_by", "rho", "miss", "statement", "sha256", "body", "opening", "closing"}}, // a noised file holds of each person no more than its guarantee says
	{Name: "recommend_findings", Set: sqldb.Core, Plain: []string{"id", "kind", "item", "accounts", "why", "found_at", "state", "decided_by", "decided_at", "note"}},
	{Name: "recommend_finding_acts", Set: sqldb.Core, Plain: []string{"id", "finding_id", "act", "staff", "people", "revision", "at", "opening"}},
	{Name: "recommend_suspects", Set: sqldb.Core, Holder: "suspect", Plain: []string{"finding_id"}, Fields: []Field{
		pseudonym("of somebody whose account looks as if it was made to push an item", learning...),
	}},
	{Name: "recommend_quarantine", Set: sqldb.Core, Plain: []string{"id", "revision"}},
	{Name: "registry_models", Set: sqldb.Core, Plain: []string{"model", "latest", "floor", "held"}},
	{Name: "recommend_tunings", Set: sqldb.Core, Plain: []string{"id", "asked_by", "asked_at", "state", "done", "total", "ended_at", "why", "report"}}, // measures over a hundred people or more; nobody is in them
	{Name: "recommend_recipes", Set: sqldb.Core, Plain: []string{"number", "tuning_id", "recipe", "staff", "reason", "at", "opening"}},
	{Name: "recommend_trials", Set: sqldb.Core, Plain: []string{"id", "design", "started_at", "ended_at", "changes", "counted_at", "counted"}}, // sums of groups; nobody is in them
	{Name: "recommend_trial_places", Set: sqldb.Core, Plain: []string{"placement", "trial_id"}},
	{Name: "recommend_trial_acts", Set: sqldb.Core, Plain: []string{"id", "trial_id", "act", "staff", "reason", "at", "opening"}},
	{Name: "recommend_trial_people", Set: sqldb.Core, Holder: "trial", Plain: []string{"trial_id"}, Fields: []Field{
		pseudonym("", counting...),
		{Column: "variant", Category: "user.behavior", Source: "drawn by lots", Purposes: counting, Retention: untilErased, Note: "which group of an experiment with lists"},
		{Column: "at", Category: "user.behavior", Source: "the shop's lists", Purposes: counting, Retention: untilErased, Note: "of the first list in the experiment"},
		{Column: "shown", Category: "user.behavior", Source: "the shop's lists", Purposes: counting, Retention: untilErased, Note: "how many lists; not which"},
		{Column: "clicked", Category: "user.behavior", Source: "reported by the shop", Purposes: counting, Retention: untilErased, Note: "how often; not what"},
		{Column: "added", Category: "user.behavior", Source: "reported by the shop", Purposes: counting, Retention: untilErased, Note: "how often; not what"},
		{Column: "closed", Category: "user.behavior", Source: "counted by Thimble", Purposes: counting, Retention: untilErased, Note: "whether the days in which a person is looked at are over"},
		{Column: "orders", Category: thimble.PurchaseHistory, Source: "the shop's orders", Purposes: counting, Retention: untilErased, Note: "how many within these days"},
		{Column: "revenue", Category: thimble.PurchaseHistory, Source: "the shop's orders", Purposes: counting, Retention: untilErased, Note: "their sum, at most the cap of the experiment"},
	}},
	{Name: "recommend_trial_marks", Set: sqldb.Core, Holder: "trial", Fields: []Field{
		pseudonym("", counting...),
		{Column: "mark", Category: "user.behavior", Source: "reported by the shop", Purposes: counting, Retention: "two days, or until the person is erased", Note: "keyed hash of a list, an item and what happened, so that it counts once", Measures: []Measure{KeyedHash}},
		{Column: "at", Category: "user.behavior", Source: "reported by the shop", Purposes: counting, Retention: "two days, or until the person is erased"},
	}},
	{Name: "recommend_days", Set: sqldb.Core, Plain: []string{"day", "placement", "model", "shown", "clicked", "added", "bought", "returned"}}, // counts; nobody is in them
	{Name: "registry_versions", Set: sqldb.Core, Plain: []string{"model", "version", "stage", "package", "weights", "signer", "card", "lineage", "bytes", "made_ms", "reason", "made_at", "opening"}},
	{Name: "registry_changes", Set: sqldb.Core, Plain: []string{"model", "version", "from_stage", "to_stage", "reason", "actor", "at", "seq", "opening"}},
	{Name: "registry_keys", Set: sqldb.Core, Plain: []string{"hint", "pem", "generation", "made_at", "opening", "revoked_at", "reason", "revocation"}},
	{Name: "registry_checks", Set: sqldb.Core, Plain: []string{"model", "version", "since", "last", "times", "rule"}},
}

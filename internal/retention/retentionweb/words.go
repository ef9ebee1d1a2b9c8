package retentionweb

import (
	"fmt"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/policy/calendar"
	"thimble/internal/retention"
	"thimble/internal/web"
)

// categoryWords say a category so that anybody understands it.
func categoryWords(c thimble.Category) string {
	known := map[thimble.Category]string{
		thimble.PurchaseHistory: "Orders", thimble.AutomatedDecision: "Decisions by machines", thimble.AccessRecord: "Who looked at data", thimble.PrivacyPreferences: "Choices and requests",
		thimble.Credentials: "Sign-ins", "user.content.public": "Reviews", "user.name": "Names", "user.contact.address.state": "Regions", "user.behavior": "What was done in the shop", "user.device.device_id": "Shared devices",
	}
	if w, ok := known[c]; ok {
		return w
	}
	if t, ok := datamap.CategoryOf(c); ok {
		return t.Name
	}
	return string(c)
}

func purposeWords(p thimble.Purpose) string {
	if p == "" {
		return "any purpose"
	}
	if t, ok := datamap.PurposeOf(p); ok {
		return t.Name
	}
	return string(p)
}

// spanWords say a period: "3y" is "3 years".
func spanWords(s calendar.Span) string {
	units := map[calendar.Unit][2]string{calendar.Hours: {"hour", "hours"}, calendar.Days: {"day", "days"}, calendar.Months: {"month", "months"}, calendar.Years: {"year", "years"}}
	u, ok := units[s.Unit]
	if !ok {
		return s.String()
	}
	return web.Plural(s.N, u[0], u[1])
}

// sourceWords say where a rule is from.
func sourceWords(s retention.Source) string { return s.Name + ": " + s.Cite }

func clockWords(c retention.Clock) string {
	switch c {
	case retention.PurposeEnd:
		return "from the end of the purpose"
	case retention.LastSeen:
		return "from the last visit"
	}
	return "from collection"
}

// runWords say what a run is about.
func runWords(r retention.Run) string {
	what := categoryWords(r.Category)
	if r.Category == "*" {
		what = "Everything"
	}
	switch r.Clock {
	case retention.PurposeEnd:
		return what + " that no purpose needs any more"
	case retention.LastSeen:
		return "People who have not been there"
	}
	return what
}

func countWords(all []retention.Count) string {
	parts := make([]string, len(all))
	for i, c := range all {
		if c.Of == "subject_subjects" {
			c.Of = "people"
		}
		parts[i] = fmt.Sprintf("%s %s", web.Text(c.N), c.Of)
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func stateBadge(s retention.State) web.Badge {
	switch s {
	case retention.Waiting:
		return web.Badge{Text: "Waits for a person", Tone: web.Warn}
	case retention.Confirmed, retention.Listed:
		return web.Badge{Text: "Under way"}
	case retention.Red:
		return web.Badge{Text: "Something is left", Tone: web.Bad}
	}
	return web.Badge{Text: "Nothing older is left", Tone: web.Good}
}

// usesText says each purpose's period on a line.
func usesText(s retention.Schedule) string {
	var parts []string
	for _, u := range s.Uses {
		text := purposeWords(u.Purpose) + ": "
		if u.Bound == nil {
			text += "as long as the person"
		} else {
			text += spanWords(u.Bound.Span)
		}
		if !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

// PeriodWords say a period as a document has it: "3y" is "3 years".
func PeriodWords(span string) string {
	s, err := calendar.ParseSpan(span)
	if err != nil {
		return span
	}
	return spanWords(s)
}

// RuleWords say to a person by which rule something is done: a law by what its pack is called
// and its article, or the shop's own reason.
func RuleWords(s retention.Source, title func(pack string) string) string {
	if s.Kind != retention.Law {
		return "our own, because " + strings.TrimRight(s.Cite, ".")
	}
	name := title(s.Name)
	if name == "" {
		name = s.Name
	}
	return name + ", " + s.Cite
}

package policy

import (
	"errors"
	"strings"
	"testing"

	"thimble"
)

func baseline(t *testing.T) *Pack {
	t.Helper()
	p, err := Baseline()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBaselineAsksConsentForWhatAContractDoesNotNeed(t *testing.T) {
	for _, c := range []struct {
		use        thimble.Purpose
		categories []thimble.Category
		want       Mode
	}{
		{thimble.EssentialService, nil, Allow},
		{thimble.SupportOperations, []thimble.Category{thimble.PurchaseHistory}, Allow},
		{thimble.PersonalizeContent, []thimble.Category{thimble.PurchaseHistory}, OptIn},
		{thimble.TrainAISystem, []thimble.Category{thimble.PurchaseHistory}, OptIn},
		{thimble.TrainAISystem, []thimble.Category{"user.biometric.health"}, OptInExplicit},
		{thimble.EssentialService, []thimble.Category{"user.social"}, Prohibited},
		{thimble.EssentialService, []thimble.Category{"user.financial"}, Prohibited}, // holds the card number
		{"resell", nil, Prohibited},
		{"", nil, Prohibited},
		{"essential.servicex", nil, Prohibited},
	} {
		if got := baseline(t).Find(c.use, c.categories...); got.Mode != c.want {
			t.Errorf("Find(%q, %v) = %s (%s), want %s", c.use, c.categories, got.Mode, got.Cite, c.want)
		}
	}
}

func TestEveryFindingNamesItsSource(t *testing.T) {
	p := baseline(t)
	for _, r := range p.Purposes {
		if f := p.Find(r.Use); f.Pack != p.Ref() || f.Cite == "" || f.Basis == "" {
			t.Errorf("Find(%s) = %+v, want pack, citation and basis", r.Use, f)
		}
	}
}

// head is the shortest pack there is; it has eleven lines.
const head = `pack: thimble.regpack/v1
id: x
version: "1"
title: X
kind: privacy
status: in_force
effective: {from: 2026-01-01, cite: s. 1}
checked: 2026-11-21
reviewer: {name: "", date: ""}
sources: [{id: x, title: X Act}]
calendar: {rule: us-calendar, zone: UTC, cite: s. 2}
`

func TestBadPackIsRefusedWithLineAndReason(t *testing.T) {
	without := func(line string) string { return strings.Replace(head, line, "", 1) }
	instead := func(old, new string) string { return strings.Replace(head, old, new, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":             {head + "colour: red\n", "line 12"},
		"unknown key below":       {head + "purposes:\n  - {use: a, mode: allow, basis: b, cite: c, colour: red}\n", "line 13"},
		"duplicate key":           {head + "id: y\n", "line 12: key \"id\" is already there in line 2"},
		"duplicate key below":     {head + "purposes:\n  - {use: a, use: b, mode: allow, basis: b, cite: c}\n", "line 13: key \"use\""},
		"Norway":                  {head + "applies: {residence: [NO]}\n", "line 12: NO may be read as a boolean; quote it"},
		"Norway in lower case":    {head + "applies:\n  residence:\n    - no\n", "line 14: no may be read as a boolean"},
		"on as a key":             {instead(`date: ""`, `on: ""`), "line 9: on may be read as a boolean"},
		"anchor":                  {instead("title: X\n", "title: &a X\n"), "line 4: anchors"},
		"alias":                   {head + "extends: *a\n", "line 12"},
		"merge key":               {head + "applies: {<<: {everyone: true}}\n", "line 12: merge keys"},
		"tag":                     {instead("title: X\n", "title: !!str X\n"), "line 4: tags"},
		"own tag":                 {instead("title: X\n", "title: !law X\n"), "line 4: tags"},
		"a version read as 1.1":   {instead(`"1"`, "1.10"), "line 3: 1.10 is not a whole number"},
		"octal":                   {head + "rights: [{right: access, free_per_year: 010, cite: c}]\n", "line 12: 010"},
		"null":                    {instead("title: X\n", "title:\n"), "line 4: a key without a value"},
		"not UTF-8":               {instead("title: X\n", "title: \"\xff\"\n"), "line 4: the text is not UTF-8"},
		"two documents":           {head + "---\nid: z\n", "line 12: a second document"},
		"not a mapping":           {"- 1\n", "line 1"},
		"empty":                   {"", "EOF"},
		"nested too deeply":       {head + "examples: " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "\n", "line 12: nested"},
		"unknown mode":            {head + "purposes: [{use: a, mode: maybe, basis: b, cite: c}]\n", "mode"},
		"uncited":                 {head + "\npurposes:\n  - {use: a, mode: allow, basis: b, cite: c}\n  - {use: b, mode: allow, basis: b}\n", "line 15: purposes[1] (b): cite is needed"},
		"uncited secret":          {head + "sensitive: [{category: user.biometric, mode: opt_in}]\n", "cite"},
		"uncited calendar":        {instead(", cite: s. 2", ""), "line 11: calendar.cite"},
		"uncited start":           {instead(", cite: s. 1", ""), "line 7: effective.cite"},
		"never checked":           {without("checked: 2026-11-21\n"), "checked is needed"},
		"no source":               {without("sources: [{id: x, title: X Act}]\n"), "sources is needed"},
		"a source nobody lists":   {head + "records: [{record: r, source: z, cite: c}]\n", "line 12: records[0] (r): source \"z\""},
		"two rules":               {head + "purposes:\n  - {use: a, mode: allow, basis: b, cite: c}\n  - {use: a, mode: opt_in, basis: b, cite: c}\n", "line 14: purposes[1]: a has two rules"},
		"two rules for a day":     {head + "purposes:\n  - {use: a, mode: allow, basis: b, cite: c, to: 2026-05-01}\n  - {use: a, mode: opt_in, basis: b, cite: c, from: 2026-05-01}\n", "line 14"},
		"ends before it begins":   {head + "records: [{record: r, cite: c, from: 2026-05-01, to: 2026-04-30}]\n", "line 12: records[0] (r): to is before from"},
		"starts before the law":   {head + "records: [{record: r, cite: c, from: 2025-05-01}]\n", "outside the pack's own period"},
		"the law ends before":     {instead("from: 2026-01-01", "from: 2026-01-01, to: 2025-01-01"), "line 7: effective.to"},
		"in force, not started":   {instead("from: 2026-01-01", "from: 2027-01-01"), "line 6: status is in_force, but"},
		"future, started":         {instead("in_force", "future"), "line 6: status is future, but"},
		"no such status":          {instead("in_force", "soon"), "line 6: status is one of"},
		"no such kind":            {instead("kind: privacy", "kind: gossip"), "line 5: kind"},
		"other format":            {instead("/v1", "/v9"), "line 1: the format is \"thimble.regpack/v9\""},
		"no date":                 {instead("from: 2026-01-01, ", ""), "line 7: effective.from is needed"},
		"no such day":             {instead("2026-01-01", "2026-02-30"), "2026-02-30"},
		"no zone":                 {instead("zone: UTC, ", ""), "line 11: calendar.zone is needed"},
		"the machine's zone":      {instead("UTC", "Local"), "line 11: calendar.zone is needed"},
		"no such zone":            {instead("UTC", "Europe/Atlantis"), "line 11: calendar.zone \"Europe/Atlantis\" is not a time zone"},
		"no such rule":            {instead("us-calendar", "moon"), "line 11: calendar.rule is one of"},
		"no such place":           {head + "applies:\n  residence:\n    - DE\n    - Germany\n", "line 15: \"Germany\" is not a place"},
		"a place twice":           {head + "applies: {residence: [DE, DE]}\n", "there twice"},
		"extends and amends":      {head + "extends: a\namends: b\n", "line 13: a pack extends or amends"},
		"amends somewhere else":   {head + "amends: a\napplies: {everyone: true}\n", "line 13: an amendment applies where"},
		"without nothing":         {head + "without: [rights/access]\n", "line 12: without drops"},
		"half a reviewer":         {instead(`name: ""`, "name: A. Reviewer"), "line 9: a reviewer has a name and a date"},
		"a right without numbers": {head + "rights: [{right: access, respond: undue_delay, extend: {by: 1mo}, cite: c}]\n", "extend lengthens respond"},
		"a period of nothing":     {head + "rights: [{right: access, respond: soon, cite: c}]\n", "is not a period"},
		"a bad holiday":           {instead("cite: s. 2}", "cite: s. 2, holidays: [{name: a}]}"), "line 11: holidays[0]"},
		"a threshold of nothing":  {head + "applies: {thresholds: [{fact: a, at_least: 0, cite: c}]}\n", "line 12: thresholds[0]"},
		"an example of nothing":   {head + "examples: [{name: a}]\n", "line 12: examples[0]: one question is needed"},
		"an example in no zone":   {head + "examples:\n  - {name: a, clock: access, received: 2026-11-21T10:00, last_day: 2026-12-01}\n", "line 13: examples[0]: \"2026-11-21T10:00\" is no instant"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			if !errors.Is(err, thimble.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Parse = %v, want ErrInvalid with %q", err, c.want)
			}
		})
	}
	if _, err := Parse([]byte(head)); err != nil {
		t.Errorf("the head alone is refused: %v", err)
	}
}

func TestOneChangedValueChangesTheHash(t *testing.T) {
	text, err := packs.ReadFile("packs/baseline.strict.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed, err := Parse([]byte(strings.Replace(string(text), "use: analytics, mode: opt_in", "use: analytics, mode: opt_out", 1)))
	if err != nil {
		t.Fatal(err)
	}
	commented, err := Parse(append([]byte("# a remark\n"), text...))
	if err != nil {
		t.Fatal(err)
	}
	if want := baseline(t).Hash(); changed.Hash() == want || commented.Hash() != want {
		t.Errorf("hash: changed %x, commented %x, original %x", changed.Hash(), commented.Hash(), want)
	}
}

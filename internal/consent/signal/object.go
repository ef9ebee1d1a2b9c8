package signal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"thimble"
)

// maxObject bounds a consent object in bytes, maxKeys its keys.
const (
	maxObject = 64 << 10
	maxKeys   = 1000
)

var errObject = errors.New("a JSON object of at most 1000 keys, each once, was expected")

// members reads a flat JSON object. A key that comes twice is refused: which of the
// two counts is a guess.
func members(raw []byte) (map[string]json.RawMessage, error) {
	if len(raw) > maxObject {
		return nil, errObject
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errObject
	}
	all := map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return nil, errObject
		}
		if _, twice := all[name]; twice || len(all) >= maxKeys {
			return nil, errObject
		}
		all[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errObject
	}
	return all, nil
}

// The types of Google's Consent Mode, version 2, and what each is needed for. The
// three of advertising are all needed for advertising. security_storage is what is
// strictly necessary and rests on no consent.
var google = []struct {
	purpose thimble.Purpose
	types   []string
}{
	{Advertising, []string{"ad_storage", "ad_user_data", "ad_personalization"}},
	{Sharing, []string{"ad_user_data"}},
	{Analytics, []string{"analytics_storage"}},
	{Functions, []string{"functionality_storage"}},
	{Storage, []string{"functionality_storage"}},
	{thimble.PersonalizeContent, []string{"personalization_storage"}},
}

const security = "security_storage"

const googleCite = "Google Consent Mode v2, consent types"

func googleTypes() map[string]bool {
	known := map[string]bool{security: true}
	for _, g := range google {
		for _, t := range g.types {
			known[t] = true
		}
	}
	return known
}

// Google reads the states of Consent Mode as a JSON object of type to "granted" or
// "denied". A type that is missing is denied.
func Google(raw []byte) Reading {
	all, err := members(raw)
	if err != nil {
		return unreadable(FromGoogle, err)
	}
	granted := map[string]bool{}
	r := Reading{Source: FromGoogle}
	known := googleTypes()
	for name, value := range all {
		var state string
		if json.Unmarshal(value, &state) != nil || state != "granted" && state != "denied" {
			return refused(FromGoogle, "a consent type is neither granted nor denied", "send each type as granted or denied")
		}
		granted[name] = state == "granted"
		if known[name] {
			continue
		}
		if !granted[name] {
			return refused(FromGoogle, "a consent type is denied that Thimble does not know", "send only the seven types of Consent Mode v2")
		}
		r.Notes = append(r.Notes, Refusal{"a consent type that Thimble does not know was left out", "send only the seven types of Consent Mode v2"})
	}
	for _, g := range google {
		l := Line{Purpose: g.purpose, Allows: true, Cite: googleCite}
		for _, t := range g.types {
			l.Allows = l.Allows && granted[t]
		}
		r.Lines = append(r.Lines, l)
	}
	return r
}

// ToGoogle writes what is permitted as the states of Consent Mode: a type is granted
// only if everything it is needed for is permitted, and denied else.
func ToGoogle(n Narrowed) map[string]string {
	out := map[string]string{security: "granted"}
	for _, g := range google {
		for _, t := range g.types {
			if _, seen := out[t]; !seen {
				out[t] = "granted"
			}
			if !n.States[g.purpose].Permits() {
				out[t] = "denied"
			}
		}
	}
	return out
}

// Categories are the purposes behind the categories of a Segment source, by the
// category's id in lower case.
type Categories map[string][]thimble.Purpose

// DefaultCategories are the names that Segment's own examples use.
func DefaultCategories() Categories {
	return Categories{
		"advertising":     {Advertising},
		"analytics":       {Analytics},
		"functional":      {Functions, Storage},
		"datasharing":     {Sharing},
		"personalization": {thimble.PersonalizeContent},
		"training":        {thimble.TrainAISystem},
	}
}

// known are the purposes that some category stands for, sorted.
func (c Categories) known() []thimble.Purpose {
	seen := map[thimble.Purpose]bool{}
	for _, all := range c {
		for _, p := range all {
			seen[p] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

const segmentCite = "Segment, consent in the context object: context.consent.categoryPreferences"

// Segment reads the consent object of an event (context.consent). No object at all
// says nothing, unlike at Segment, where it lets everything flow; an object without a
// category says no to it; a purpose of several categories needs all of them.
func Segment(raw []byte, c Categories) Reading {
	r := Reading{Source: FromSegment}
	if len(bytes.TrimSpace(raw)) == 0 {
		return r
	}
	object, err := members(raw)
	if err != nil {
		return unreadable(FromSegment, err)
	}
	preferences := map[string]json.RawMessage{}
	if inner, there := object["categoryPreferences"]; there {
		if preferences, err = members(inner); err != nil {
			return unreadable(FromSegment, err)
		}
	}
	chosen := map[string]bool{}
	for name, value := range preferences {
		var yes bool
		if json.Unmarshal(value, &yes) != nil || string(value) == "null" {
			return refused(FromSegment, "a category is neither true nor false", "send each category as true or false")
		}
		id := strings.ToLower(name)
		if before, twice := chosen[id]; twice {
			yes = yes && before
		}
		chosen[id] = yes
		if _, known := c[id]; known {
			continue
		}
		if !yes {
			return refused(FromSegment, "a category is refused that no purpose stands behind here", "say in the settings which purposes the category stands for")
		}
		r.Notes = append(r.Notes, Refusal{"a category that no purpose stands behind was left out", "say in the settings which purposes the category stands for"})
	}
	for _, p := range c.known() {
		l := Line{Purpose: p, Allows: true, Cite: segmentCite}
		for id, all := range c {
			if slices.Contains(all, p) && !chosen[id] {
				l.Allows = false
			}
		}
		r.Lines = append(r.Lines, l)
	}
	return r
}

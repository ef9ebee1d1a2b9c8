package table

import (
	"strings"

	"thimble/internal/subject"
)

// A Shape is what a value looks like. It tells nothing of the value.
type Shape string

// The shapes.
const (
	EmailShape   Shape = "e-mail"
	PhoneShape   Shape = "phone"
	DateShape    Shape = "date"
	WholeShape   Shape = "whole number"
	DecimalShape Shape = "decimal"
	CodeShape    Shape = "country code"
	HashShape    Shape = "hash"
	LinkShape    Shape = "link"
	BoolShape    Shape = "yes or no"
	WordShape    Shape = "one word"
	TextShape    Shape = "words"
	LongShape    Shape = "long text"
)

var yesNo = map[string]bool{"yes": true, "no": true, "true": true, "false": true, "ja": true, "nein": true, "oui": true, "non": true, "si": true, "sí": true, "y": true, "n": true}

// ShapeOf returns the shape of a value that is not empty.
func ShapeOf(s string) Shape {
	switch {
	case email(s):
		return EmailShape
	case strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://"):
		return LinkShape
	case yesNo[strings.ToLower(s)]:
		return BoolShape
	case len(s) == 2 && subject.IsCountry(s):
		return CodeShape
	case phone(s):
		return PhoneShape
	case len(layoutsOf(s)) > 0 && !digits(s):
		return DateShape
	case hash(s):
		return HashShape
	case digits(strings.TrimPrefix(s, "-")):
		return WholeShape
	case Number(s):
		return DecimalShape
	case len(s) > 120:
		return LongShape
	case strings.ContainsAny(s, " \t\n"):
		return TextShape
	}
	return WordShape
}

func email(s string) bool {
	if strings.Count(s, "@") != 1 {
		return false
	}
	_, err := subject.NewIdentifier(subject.Email, s)
	return err == nil
}

// phone asks for what only numbers with their country have: + or 00 before digits.
func phone(s string) bool {
	s = strings.TrimPrefix(s, "'") // how spreadsheets keep the plus
	if !strings.HasPrefix(s, "+") && !strings.HasPrefix(s, "00") || len(s) < 8 {
		return false
	}
	_, err := subject.NewIdentifier(subject.Phone, s)
	return err == nil
}

func hash(s string) bool {
	if len(s) != 32 && len(s) != 40 && len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if !(s[i] >= '0' && s[i] <= '9' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'f') {
			return false
		}
	}
	return true
}

// looksLikeData reports whether a name of a column is none: a file without header has
// people's data there.
func looksLikeData(name string) bool {
	switch ShapeOf(name) {
	case EmailShape, PhoneShape, DateShape, DecimalShape, LinkShape, HashShape, LongShape:
		return true
	case WholeShape:
		return len(name) > 2
	}
	return false
}

package rightsweb

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/rights"
	"thimble/internal/rights/casesweb"
	"thimble/internal/web"
)

// A group is what one holder has.
type group struct {
	Holder string
	Title  string
	Text   string
	Count  int
	Items  []entry
	More   string // where all of it is, when Items are the first only
}

// An entry is one datum, readable.
type entry struct {
	Title    string
	Category string
	At       time.Time
	Href     string
	Correct  string // the page on which it is put right; "" for none
	Node     node
}

// A node is a value as people read it: a text, named parts, or a list.
type node struct {
	Name  string
	Text  string
	Parts []node
	Head  []string   // of a list of like things
	Rows  [][]string // their texts
}

// What the page shows of each holder, and each page of one holder.
const (
	shownFirst = 3
	shownPage  = 20
	shownRows  = 100 // of a list in an entry
)

type words struct{ title, text, gone string }

// Knows reports whether a holder has words for a page.
func Knows(holder string) bool { return holderWords(holder).text != "" }

// holderWords says what a holder keeps.
func holderWords(name string) words {
	known := map[string]words{
		"subject":   {"Who you are", "The random number that stands for you, your account number and your country.", "your account number and country"},
		"session":   {"Sign-ins", "When you signed in here.", "you are signed out everywhere"},
		"consent":   {"Choices", "What you allowed and did not allow.", "your choices; what was noted of them can no longer be read"},
		"order":     {"Orders", "What you bought and sent back.", "your orders"},
		"decision":  {"Decisions", "What programs chose for you, with their reasons.", "what programs chose for you"},
		"gate":      {"Looks at your data", "Who used your data, when and what for.", "the list of who looked"},
		"retention": {"Holds and ends", "What a law has the shop keep for longer, and what you were told about the end of your data.", "nothing of yours is held any more"},
		"rights":    {"Requests", "What you asked for about your data.", "your requests no longer lead to you"},
		"cases":     {"Steps of your requests", "What you asked for, what was written about it, and what happened when.", "what was written about your requests; the steps no longer lead to you"},
		"recommend": {"Learning", "Whether your orders are counted in the model.", "the model was made again without you"},
		"collect":   {"What you did and wrote", "What you looked at and put in the cart, your reviews, and names from lists of the shop.", "what you did and wrote here"},
		"disclose":  {"Given to others", "What was sent about you to another firm, to whom, when and what for.", "what was sent about you no longer leads to you; who got it was told"},
		"imports":   {"Files", "Where the shop's files had something about you.", "the places in files that led to you"},
		"staff":     {"Emergency looks", "Who opened your data because it was urgent, and why.", "emergency looks no longer lead to you"},
		"suspect":   {"Checks", "Whether an account looks as if a program used it.", "what was checked about your account"},
		"systems":   {"Told to other systems", "Which other systems of the shop were asked for you, and what they answered.", "what was told to other systems of the shop"},
		"taste":     {"Your wishes for lists", "What you want less of, never, or forgotten.", "your wishes for lists"},
		"trial":     {"Comparisons", "Which of two lists you see while the shop compares them.", "your place in comparisons"},
		"vault":     {"Keys", "The key that your data is locked with.", "the key"},
	}
	if w, ok := known[name]; ok {
		return w
	}
	return words{title: name}
}

func grouped(a rights.Archive, names map[thimble.ItemID]catalog.Product, correct func(thimble.Datum) string) []group {
	byHolder := map[string][]thimble.Datum{}
	for _, d := range a.Data {
		byHolder[d.Holder] = append(byHolder[d.Holder], d)
	}
	var groups []group
	for _, line := range a.Report.Holders {
		all := byHolder[line.Holder]
		if len(all) == 0 {
			continue
		}
		g := groupOf(line.Holder, all[:min(shownFirst, len(all))], len(all), names, correct)
		if len(all) > shownFirst {
			g.More = "/privacy/data?of=" + url.QueryEscape(line.Holder)
		}
		groups = append(groups, g)
	}
	return groups
}

// firstOfEach are the data that the first page shows.
func firstOfEach(data []thimble.Datum, n int) []thimble.Datum {
	seen := map[string]int{}
	var first []thimble.Datum
	for _, d := range data {
		if seen[d.Holder]++; seen[d.Holder] <= n {
			first = append(first, d)
		}
	}
	return first
}

func groupOf(holder string, data []thimble.Datum, count int, names map[thimble.ItemID]catalog.Product, correct func(thimble.Datum) string) group {
	w := holderWords(holder)
	g := group{Holder: holder, Title: w.title, Text: w.text, Count: count}
	for _, d := range data {
		e := entry{Title: strings.ReplaceAll(d.Name, "_", " "), Category: gateweb.CategoryWords(d.Category), At: d.At, Node: treeOf(d.Value), Correct: correct(d)}
		if d.Category == thimble.AutomatedDecision {
			e.Title = "A wish to have a decision looked at again"
			if _, err := thimble.ParseID(decision.TokenPrefix, d.Name); err == nil {
				e.Title, e.Href = "A decision", "/privacy/decisions/"+url.PathEscape(d.Name)
			}
			e.Node.Parts = slices.DeleteFunc(e.Node.Parts, func(n node) bool { return len(n.Head) > 0 }) // they are on its page
		}
		name(&e.Node, names)
		g.Items = append(g.Items, e)
	}
	return g
}

// paged returns which of n entries the page shows, and links to the others.
func paged(u *url.URL, n int) (from, to int, links []web.Action) {
	page, err := strconv.Atoi(u.Query().Get("page"))
	last := max(1, (n+shownPage-1)/shownPage)
	if err != nil || page < 1 || page > last {
		page = 1
	}
	if page > 1 {
		links = append(links, web.Action{Label: "Previous page", Href: web.WithQuery(u, "page", strconv.Itoa(page-1))})
	}
	if page < last {
		links = append(links, web.Action{Label: "Next page", Href: web.WithQuery(u, "page", strconv.Itoa(page+1))})
	}
	from = (page - 1) * shownPage
	return from, min(from+shownPage, n), links
}

// treeOf makes a value readable by way of its JSON, in the order of its fields.
func treeOf(v any) node {
	b, err := json.Marshal(v)
	if err != nil {
		return node{Text: "see the download"}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	n, err := decode(dec)
	if err != nil {
		return node{Text: "see the download"}
	}
	return n
}

func decode(dec *json.Decoder) (node, error) {
	token, err := dec.Token()
	if err != nil {
		return node{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		return decodeAll(dec, t == '{')
	case string:
		if at, err := time.Parse(time.RFC3339, t); err == nil {
			return node{Text: web.Clock(at)}, nil
		}
		return node{Text: t}, nil
	case bool:
		if t {
			return node{Text: "yes"}, nil
		}
		return node{Text: "no"}, nil
	case json.Number:
		return node{Text: t.String()}, nil
	}
	return node{Text: "–"}, nil
}

// decodeAll reads the rest of an object or a list.
func decodeAll(dec *json.Decoder, object bool) (node, error) {
	var n node
	for dec.More() {
		var name string
		if object {
			token, err := dec.Token()
			if err != nil {
				return n, err
			}
			name, _ = token.(string)
		}
		part, err := decode(dec)
		if err != nil {
			return n, err
		}
		part.Text = valueWords(name, part.Text)
		if part.Name = keyWords(name); part.Name != "" || !object {
			n.Parts = append(n.Parts, part)
		}
	}
	_, err := dec.Token()
	switch {
	case object:
		price(&n)
	case len(n.Parts) > 0 && len(n.Parts[0].Parts) > 0:
		tabulate(&n)
	default:
		n = node{Text: join(n.Parts)}
	}
	return n, err
}

// keyWords says a field's name; what only programs need has none.
func keyWords(key string) string {
	switch key {
	case "v", "subject", "seq":
		return ""
	case "at":
		return "when"
	case "ui":
		return "where"
	case "sha256":
		return "fingerprint"
	case "packs":
		return "rules of law"
	case "notice":
		return "text you read"
	}
	return strings.ReplaceAll(key, "_", " ")
}

// valueWords says purposes and kinds of data so that anybody understands them.
func valueWords(key, text string) string {
	switch key {
	case "what":
		return casesweb.StepWords(text)
	case "purpose":
		return gateweb.PurposeWords(thimble.Purpose(text))
	case "category":
		return gateweb.CategoryWords(thimble.Category(text))
	case "categories":
		parts := strings.Split(text, ", ")
		for i, p := range parts {
			parts[i] = gateweb.CategoryWords(thimble.Category(p))
		}
		return strings.Join(parts, ", ")
	}
	return text
}

func join(parts []node) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.Text
	}
	if len(texts) == 0 {
		return "–"
	}
	return strings.Join(texts, ", ")
}

// price makes one amount of minor units and a currency.
func price(n *node) {
	var minor, currency = -1, -1
	for i, p := range n.Parts {
		switch p.Name {
		case "price minor":
			minor = i
		case "currency":
			currency = i
		}
	}
	if minor < 0 || currency < 0 {
		return
	}
	amount, err := strconv.ParseInt(n.Parts[minor].Text, 10, 64)
	if err != nil {
		return
	}
	n.Parts[minor] = node{Name: "price", Text: web.Money(thimble.Money{Minor: amount, Currency: n.Parts[currency].Text})}
	n.Parts = append(n.Parts[:currency:currency], n.Parts[currency+1:]...)
}

// tabulate makes a table of a list of like things. What is nested deeper is
// counted: the download has it.
func tabulate(n *node) {
	for _, p := range n.Parts[0].Parts {
		n.Head = append(n.Head, p.Name)
	}
	for i, row := range n.Parts {
		if i == shownRows {
			break
		}
		cells := make([]string, len(n.Head))
		for j, p := range row.Parts {
			if j < len(cells) {
				cells[j] = p.Text
				if p.Text == "" {
					cells[j] = web.Plural(max(len(p.Rows), len(p.Parts)), "entry", "entries")
				}
			}
		}
		n.Rows = append(n.Rows, cells)
	}
	if more := len(n.Parts) - len(n.Rows); more > 0 {
		n.Text = web.Text(more) + " more in the download"
	}
	n.Parts = nil
}

const itemHead = "item"

func itemsIn(n node) (ids []thimble.ItemID) {
	for i, h := range n.Head {
		if h == itemHead {
			for _, row := range n.Rows {
				ids = append(ids, thimble.ItemID(row[i]))
			}
		}
	}
	for _, p := range n.Parts {
		ids = append(ids, itemsIn(p)...)
	}
	return ids
}

// name puts the products' names beside their numbers.
func name(n *node, names map[thimble.ItemID]catalog.Product) {
	for i, h := range n.Head {
		if h != itemHead {
			continue
		}
		for _, row := range n.Rows {
			id := thimble.ItemID(row[i])
			row[i] = decisionweb.ItemCalled(id, names[id].Name)
		}
	}
	for i := range n.Parts {
		name(&n.Parts[i], names)
	}
}

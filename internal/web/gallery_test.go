package web_test

import (
	"math"
	"net/url"
	"time"

	"thimble"
	"thimble/internal/web"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type overviewBody struct {
	Stats                  []web.Stat
	Forecast               web.Chart
	Bars, NoChart          web.Chart
	Orders, Narrow, NoRows web.Table
}

type recordBody struct {
	Callout  web.Callout
	Facts    []web.KeyValue
	Deadline web.Progress
	Timeline web.Timeline
	Cards    []web.Card
	Form     web.Form
	Code     web.CodeBlock
	Empty    web.Empty
}

type shopBody struct{ Products []web.Product }

func pounds(minor int64) thimble.Money { return thimble.Money{Minor: minor, Currency: "GBP"} }

func consoleFrame(layout, current string) web.Page {
	return web.Page{
		Layout: layout, Site: "Fold & Hem", Home: "/overview",
		Nav: []web.NavItem{
			{Label: "Overview", Href: "/overview", Icon: "home", Current: current == "overview"},
			{Label: "Customers", Href: "/customers", Icon: "people", Current: current == "record"},
			{Label: "Inbox", Href: "/inbox", Icon: "inbox", Count: 12},
			{Label: "Recommendations", Href: "/recommend", Icon: "spark", Group: "Selling"},
			{Label: "Prices", Href: "/price", Icon: "tag", Group: "Selling"},
			{Label: "Forecasts", Href: "/forecast", Icon: "chart", Group: "Selling"},
			{Label: "Requests", Href: "/rights", Icon: "scale", Count: 3, Group: "Accountability"},
			{Label: "Ledger", Href: "/ledger", Icon: "seal", Group: "Accountability"},
			{Label: "Data map", Href: "/datamap", Icon: "flow", Group: "Accountability"},
			{Label: "Settings", Href: "/settings", Icon: "gear", Group: "Shop"},
		},
		Account: &web.Account{Label: "Mara Lindqvist", Detail: "Data protection officer", Href: "/me", SignOutHref: "/sign-out"},
		Search:  &web.Search{Action: "/search", Label: "Find by token or name"},
		Footer:  []web.NavItem{{Label: "Documentation", Href: "/docs"}, {Label: "Status", Href: "/status"}},
	}
}

func overviewPage(layout string) web.Page {
	p := consoleFrame(layout, "overview")
	p.Title, p.Lead = "Overview", "What sold in the last 30 days, and what comes next."
	p.Banner = "Demo: everybody you see here is invented."
	p.Actions = []web.Action{{Label: "Export", Href: "/export", Icon: "download"}, {Label: "New forecast", Href: "/new", Kind: "primary", Icon: "plus"}}
	p.Tabs = []web.Tab{{Label: "Sales", Href: "/overview", Current: true}, {Label: "Customers", Href: "/c", Count: 4}, {Label: "Stock", Href: "/s"}}
	p.APICall = "curl -H 'Authorization: Bearer $TOKEN' \\\n  'https://shop.example/v1/orders?status=open&limit=5'"
	p.Body = overviewBody{
		Stats: []web.Stat{
			{Label: "Revenue", Value: pounds(12_485_020), Delta: "+4.2 %", Trend: web.Good, Note: "on last month"},
			{Label: "Orders", Value: 3241, Delta: "−1.1 %", Trend: web.Bad, Note: "on last month"},
			{Label: "Consent to personal lists", Value: "61", Unit: "%", Note: "of active customers", Href: "/consent"},
			{Label: "Answered in time", Value: "100", Unit: "%", Delta: "0 late", Trend: web.Good},
		},
		Forecast: forecastChart(),
		Bars: web.Chart{ID: "bars", Title: "Orders by country", Finding: "Two in three orders come from the United Kingdom.", Kind: web.BarChart, Small: true,
			XLabel: "Country", Labels: []string{"United Kingdom", "Germany", "France", "Ireland", "Spain"}, Series: []web.Series{{Label: "Orders", Values: []float64{2140, 410, 322, 251, 118}}}},
		NoChart: web.Chart{ID: "nochart", Title: "Returns"},
		Orders:  ordersTable(), Narrow: scrollTable(),
		NoRows: web.Table{ID: "none", Caption: "Open requests", Columns: []web.Column{{Label: "Request"}}, Empty: &web.Empty{Icon: "scale", Title: "No open requests",
			Text: "When a customer asks to see or erase their data, it appears here with its deadline.", Action: &web.Action{Label: "Open one for a customer", Href: "/rights/new", Icon: "plus"}}},
	}
	return p
}

func forecastChart() web.Chart {
	c := web.Chart{ID: "forecast", Title: "Units per day", Finding: "Sales follow the week and rise towards Christmas; the range holds 95 in 100 days.", Unit: "units"}
	sold, next := web.Series{Label: "Sold"}, web.Series{Label: "Forecast", Dashed: true}
	for i := range 60 {
		v := 900 + 6*float64(i) + 160*math.Sin(float64(i)*2*math.Pi/7)
		nan := math.NaN()
		c.Times = append(c.Times, noon.Truncate(24*time.Hour).AddDate(0, 0, i-40))
		if i < 40 {
			sold.Values = append(sold.Values, math.Round(v+40*math.Sin(float64(i*i))))
			next.Values, next.Low, next.High = append(next.Values, nan), append(next.Low, nan), append(next.High, nan)
			continue
		}
		sold.Values = append(sold.Values, nan)
		if i == 40 { // where both meet
			sold.Values[i] = math.Round(v)
		}
		next.Values = append(next.Values, math.Round(v))
		next.Low = append(next.Low, math.Round(v-60-8*float64(i-40)))
		next.High = append(next.High, math.Round(v+60+8*float64(i-40)))
	}
	c.Series = []web.Series{sold, next}
	return c
}

func ordersTable() web.Table {
	u, _ := url.Parse("/overview?sort=-placed&status=open&page=3")
	badges := []web.Badge{{Text: "Paid", Tone: web.Good}, {Text: "Packing", Tone: web.Info}, {Text: "Late", Tone: web.Warn}, {Text: "Refused", Tone: web.Bad}, {Text: "Draft"}}
	t := web.Table{
		ID: "orders", Caption: "Orders", Note: "Everything placed since Monday.", URL: u,
		Columns: []web.Column{{Key: "order", Label: "Order"}, {Label: "Customer", Kind: web.TokenColumn}, {Key: "placed", Label: "Placed"}, {Label: "State"},
			{Label: "Likely return", Secondary: true}, {Key: "items", Label: "Items", Kind: web.NumberColumn}, {Key: "total", Label: "Total", Kind: web.NumberColumn}, {Label: "Do", HideHead: true, Kind: web.ActionColumn}},
		Filters: []web.Field{{Name: "q", Label: "Search", Kind: web.SearchField}, {Name: "status", Label: "State", Kind: web.SelectField, Value: "open", Options: []web.Option{{Value: "", Label: "Any"}, {Value: "open", Label: "Open"}, {Value: "sent", Label: "Sent"}}},
			{Name: "since", Label: "Placed since", Kind: web.DateField}},
		Paging:  &web.Paging{Page: 3, Pages: 9, From: 11, To: 15, Total: 1042},
		Actions: []web.Action{{Label: "Export", Href: "/export.csv", Icon: "download", About: "orders"}},
		Totals:  web.Cells("Sum", nil, nil, nil, nil, 29, pounds(91_230), nil),
	}
	for i, b := range badges {
		t.Rows = append(t.Rows, web.Row{Href: "/orders/1", Cells: web.Cells("A-10"+string(rune('1'+i))+"7", web.Token("sub_3f0kq2m9x7c8v1b5n4a6s8d0fg"), noon.Add(-time.Duration(i*31)*time.Hour), b,
			web.Meter{Share: 0.07 + 0.19*float64(i)}, 3+i, pounds(int64(4_599*(i+1))), web.Action{Label: "Open", Href: "/orders/1", About: "order"})})
	}
	return t
}

func scrollTable() web.Table {
	return web.Table{ID: "wide", Caption: "Model releases", Scroll: true, Columns: []web.Column{{Label: "Model"}, {Label: "Released"}, {Label: "Learned from", Kind: web.NumberColumn}, {Label: "Forgotten", Kind: web.NumberColumn}, {Label: "Recall at 20", Kind: web.NumberColumn}, {Label: "Signature", Kind: web.TokenColumn}},
		Rows: []web.Row{
			{Cells: web.Cells(web.Cell{Value: "recommend", Sub: "item graph"}, web.Day(noon), 4338, 12, 0.2134, web.Token("c2a7d1f09b7e4c51"))},
			{Cells: web.Cells("forecast", web.Ago(noon.Add(-50*time.Hour)), 541_909, 0, math.NaN(), nil)},
		}}
}

func recordPage(layout string) web.Page {
	p := consoleFrame(layout, "record")
	p.Title = "Request R-1042"
	p.Crumbs = []web.Crumb{{Label: "Customers", Href: "/customers"}, {Label: "sub_3f0kq2m9", Href: "/customers/1"}, {Label: "Request R-1042"}}
	p.Flash = &web.Flash{Kind: web.Good, Text: "The request was extended by two months. The customer has been told why."}
	p.Notice = &web.AccessNotice{Purpose: "Support operations", LedgerEntry: "1,842", Href: "/ledger/1842"}
	p.Actions = []web.Action{{Label: "Refuse", Href: "/refuse", Kind: "danger", Post: true, Hidden: []web.Hidden{{Name: "id", Value: "1"}}}, {Label: "Answer", Href: "/answer", Kind: "primary", Post: true}}
	p.Body = recordBody{
		Callout:  web.Callout{Tone: web.Warn, Title: "Nine days left", Text: "The law gives one month. The answer is ready and waits for a second person to approve it.", Action: &web.Action{Label: "Review the answer", Href: "/review"}},
		Facts:    []web.KeyValue{{Key: "Customer", Value: web.Token("sub_3f0kq2m9x7c8v1b5n4a6s8d0fg"), Href: "/customers/1", Copy: true}, {Key: "Kind", Value: "Access", Sub: "GDPR Art. 15"}, {Key: "Opened", Value: noon.AddDate(0, 0, -21)}, {Key: "State", Value: web.Badge{Text: "In review", Tone: web.Info}}, {Key: "Spent so far", Value: pounds(129_900)}, {Key: "Refused because", Value: nil}},
		Deadline: web.Progress{Label: "Time used", Done: 21, All: 30, Text: "21 of 30 days", Tone: web.Warn},
		Timeline: web.Timeline{Title: "What happened", Items: []web.Moment{
			{At: noon, Title: "Answer put together", Text: "214 entries from 9 holders.", Who: "Thimble", Icon: "layers", Tone: web.Info, Proof: "ledger entry 1,840", ProofHref: "/ledger/1840"},
			{At: noon.AddDate(0, 0, -2), Title: "Identity confirmed", Who: "Mara Lindqvist", Icon: "check", Tone: web.Good, Badge: &web.Badge{Text: "Strong", Tone: web.Good}, Proof: "ledger entry 1,711"},
			{At: noon.AddDate(0, 0, -21), Title: "Request received", Text: "By the privacy centre.", Who: "the customer", Href: "/r"}}},
		Cards: []web.Card{
			{Icon: "eye", Title: "See what we keep", Text: "Every order, choice and decision, with who looked at it and why.", Href: "/mine"},
			{Icon: "download", Title: "Take it with you", Text: "One file that you can read, and so can a machine.", Badge: &web.Badge{Text: "Ready", Tone: web.Good}, Action: &web.Action{Label: "Download", Href: "/d", Icon: "download"}},
			{Icon: "trash", Title: "Be forgotten", Text: "The shop and its models forget you. You get a certificate.", Href: "/forget"}},
		Form: galleryForm(),
		Code: web.CodeBlock{Title: "Send an event", Lang: "shell", Code: "curl https://shop.example/v1/track \\\n  -d '{\"event\": \"Product Viewed\", \"properties\": {\"sku\": \"85123A\"}}'"},
		Empty: web.Empty{Icon: "clock", Title: "No notes yet", Text: "Write down what you agreed with the customer; they can read it too.",
			Action: &web.Action{Label: "Add a note", Href: "/note", Icon: "plus"}},
	}
	return p
}

func galleryForm() web.Form {
	return web.Form{ID: "answer", Action: "/answer", Legend: "Answer the request", Intro: "The customer reads exactly this.", Submit: "Send answer", Cancel: &web.Action{Label: "Cancel", Href: "/", Kind: "quiet"},
		Fields: []web.Field{
			{Name: "name", Label: "Your name", Value: "Mara", Autocomplete: "name", Required: true},
			{Name: "months", Label: "Extend by", Hint: "Months, at most two.", Kind: web.NumberField, Value: "3", Min: "0", Max: "2", Short: true, Error: "The law allows at most two more months."},
			{Name: "reason", Label: "Reason", Kind: web.SelectField, Options: []web.Option{{Value: "", Label: "Choose one"}, {Value: "complex", Label: "The request is complex"}}, Error: "Say why, or do not extend."},
			{Name: "text", Label: "Message", Kind: web.TextAreaField, Hint: "Plain words. No internal numbers."},
			{Name: "channel", Label: "Send it by", Kind: web.RadioField, Value: "post", Options: []web.Option{{Value: "mail", Label: "E-mail", Hint: "To the confirmed address."}, {Value: "post", Label: "Letter"}}},
			{Name: "parts", Label: "Include", Kind: web.ChecksField, Values: []string{"orders"}, Options: []web.Option{{Value: "orders", Label: "Orders"}, {Value: "decisions", Label: "Decisions"}}},
			{Name: "copy", Label: "Keep a sealed copy for a year", Kind: web.CheckField, Checked: true, Hint: "So that you can prove what was sent."},
			{Name: "token", Kind: web.HiddenField, Value: "x"},
		}}
}

func shopPage() web.Page {
	body := shopBody{}
	for i, name := range []string{"White hanging heart light", "Regency cake stand", "Jumbo bag red retrospot", "Party bunting", "Lunch bag", "Assorted bird ornament", "Wool throw", "Linen shirt"} {
		p := web.Product{Name: name, Href: "/p/1", Category: []string{"Lighting", "Kitchen", "Bags", "Party", "Bags", "Garden", "Home", "Clothing"}[i], Price: pounds(int64(295 * (i + 1)))}
		if i == 1 {
			p.Was, p.Badge = pounds(1_299), &web.Badge{Text: "Sale", Tone: web.Bad}
		}
		if i%3 == 0 {
			p.Why, p.WhyHref = "Because you bought candles", "/why"
		}
		if i < 4 {
			p.Action = &web.Action{Label: "Add to basket", Href: "/basket", Post: true, About: name}
		}
		body.Products = append(body.Products, p)
	}
	return web.Page{Layout: web.Shop, Title: "Chosen for you", Lead: "From what you bought here, and nothing else. You can switch this off.", Site: "Fold & Hem", Description: "A shop",
		Nav:    []web.NavItem{{Label: "New", Href: "/new"}, {Label: "Home", Href: "/home", Current: true}, {Label: "Kitchen", Href: "/k"}, {Label: "Party", Href: "/p"}, {Label: "Garden", Href: "/g"}},
		Search: &web.Search{Action: "/search", Label: "Search the shop"}, Basket: &web.Basket{Href: "/basket", Count: 2},
		Account: &web.Account{Label: "Ada Byron", Href: "/me"},
		Footer:  []web.NavItem{{Label: "Privacy centre", Href: "/privacy"}, {Label: "Delivery", Href: "/d"}, {Label: "How prices are made", Href: "/prices"}}, Body: body}
}

func portalPage() web.Page {
	p := recordPage(web.Portal)
	p.Title, p.Lead = "Your data, your choices", "What Fold & Hem knows about you, why, and how to change it."
	p.Nav = []web.NavItem{{Label: "Overview", Href: "/", Current: true}, {Label: "My data", Href: "/d"}, {Label: "Choices", Href: "/c"}, {Label: "Decisions", Href: "/x"}, {Label: "Requests", Href: "/r"}}
	p.Search, p.Crumbs, p.Actions = nil, nil, nil
	p.Account = &web.Account{Label: "Ada Byron", SignOutHref: "/out"}
	return p
}

package consent

import "thimble"

var german = language{
	lang: "de", of: "2026-11.3", leave: "Sie können weglassen:", used: "Wenn Sie es nutzen:", left: "Wenn Sie es weglassen:",
	closing: "Sie können Ihre Meinung jederzeit ändern, so leicht, wie Sie gewählt haben. Bestellungen werden in jedem Fall aufbewahrt, weil ein Kauf sie braucht.",
	words: Words{
		Title: "Dürfen wir, was Sie hier tun, für mehr als die Bedienung nutzen?", Lead: "Solange Sie nicht Ja sagen, tun wir es nicht. Ohne Ihr Ja wird nichts schlechter.",
		Refuse: "Alle ablehnen", Choose: "Auswählen", Allow: "Alle erlauben", Later: "Später entscheiden", Save: "Auswahl speichern", Settings: "Meine Auswahl", Yes: "Erlauben", No: "Nicht erlauben",
		With: "Wenn Sie es erlauben:", Without: "Wenn nicht:", More: "Datenschutz", Receipt: "Beleg", Close: "Schließen",
		Stored: "Wenn Sie in einem Browser wählen, ohne angemeldet zu sein, wird Ihre Wahl in diesem Browser aufbewahrt und, solange etwas erlaubt ist, auch eine Zufallszahl, damit Ihr Browser wiedererkannt wird.",
	},
	asks: map[thimble.Purpose]wording{
		thimble.PersonalizeContent: {
			title:   "Empfehlungen aus dem, was Sie ansehen und kaufen",
			what:    "Wir sehen uns Ihre eigenen Bestellungen an und was Sie hier ansehen, suchen und vormerken und in welchen Größen, um die Artikel auszuwählen, die wir Ihnen zuerst zeigen.",
			with:    "Sie sehen eine Liste für Sie, jeden Artikel mit dem Grund und einem Beleg, den Sie prüfen können.",
			without: "Sie sehen, was die meisten kaufen. Nichts von Ihnen wird angesehen.",
			parts: []wording{
				{title: "Listen mit Artikeln für Sie", with: "Die erste Seite des Geschäfts beginnt mit einer Liste für Sie.", without: "Die erste Seite zeigt, was die meisten kaufen. Sonst ändert sich nichts."},
				{title: "Was ich zurückgeschickt habe", with: "Was Sie zurückgeschickt haben, zählt nicht mehr als gekauft und bringt Ihnen nichts Ähnliches.", without: "Ihre Rücksendungen werden nicht geöffnet. Was Sie zurückgeschickt haben, zählt als gekauft."},
			},
		},
		thimble.TrainAISystem: {
			title:   "Aus dem, was ich tue, für alle lernen",
			what:    "Ihre Bestellungen und was Sie hier ansehen, suchen und vormerken werden zusammen mit denen aller gezählt, um zu lernen, welche Artikel zusammenpassen.",
			with:    "Was Sie tun, hilft den Listen, die andere sehen. Niemand kann es darin sehen.",
			without: "Was Sie getan haben, wird aus dem Modell genommen, exakt: Es wird das Modell, das Sie nie gesehen hat.",
			parts: []wording{
				{title: "Was ich zurückgeschickt habe", with: "Ein Artikel, den Sie zurückgeschickt haben, zählt nicht als einer, der zu Ihren anderen passt.", without: "Ihre Rücksendungen werden dafür nicht geöffnet. Was Sie zurückgeschickt haben, zählt als gekauft."},
			},
		},
	},
}

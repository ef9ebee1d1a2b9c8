package consent

import "thimble"

var french = language{
	lang: "fr", of: "2026-11.3", leave: "Vous pouvez exclure :", used: "Si vous l’utilisez :", left: "Si vous l’excluez :",
	closing: "Vous pouvez changer d’avis à tout moment, aussi facilement que vous avez choisi. Les commandes sont conservées dans tous les cas, car un achat en a besoin.",
	words: Words{
		Title: "Pouvons-nous utiliser ce que vous faites ici pour plus que vous servir ?", Lead: "Tant que vous ne dites pas oui, nous ne le faisons pas. Sans votre accord, rien n’est moins bien.",
		Refuse: "Tout refuser", Choose: "Choisir", Allow: "Tout autoriser", Later: "Décider plus tard", Save: "Enregistrer", Settings: "Mes choix", Yes: "Autoriser", No: "Ne pas autoriser",
		With: "Si vous l’autorisez :", Without: "Sinon :", More: "Centre de confidentialité", Receipt: "Reçu", Close: "Fermer",
		Stored: "Si vous choisissez dans un navigateur sans vous connecter, votre choix est conservé dans ce navigateur et, tant que quelque chose est autorisé, un nombre aléatoire aussi, pour que votre navigateur soit reconnu.",
	},
	asks: map[thimble.Purpose]wording{
		thimble.PersonalizeContent: {
			title:   "Des recommandations d’après ce que vous regardez et achetez",
			what:    "Nous regardons vos propres commandes, et ce que vous consultez, cherchez et mettez de côté ici et dans quelles tailles, pour choisir les articles que nous vous montrons en premier.",
			with:    "Vous voyez une liste faite pour vous, chaque article avec la raison et un reçu que vous pouvez vérifier.",
			without: "Vous voyez ce que la plupart des clients achètent. Rien de vous n’est regardé.",
			parts: []wording{
				{title: "Des listes d’articles pour vous", with: "La première page de la boutique commence par une liste faite pour vous.", without: "La première page montre ce que la plupart des clients achètent. Rien d’autre ne change."},
				{title: "Ce que j’ai renvoyé", with: "Ce que vous avez renvoyé ne compte plus comme acheté et ne vous apporte rien de semblable.", without: "Vos retours ne sont pas ouverts. Ce que vous avez renvoyé compte comme acheté."},
			},
		},
		thimble.TrainAISystem: {
			title:   "Apprendre de ce que je fais, pour tous",
			what:    "Vos commandes, et ce que vous consultez, cherchez et mettez de côté ici, sont comptées avec celles de tous, pour apprendre quels articles vont ensemble.",
			with:    "Ce que vous faites aide les listes que d’autres voient. Personne ne peut l’y voir.",
			without: "Ce que vous avez fait est retiré du modèle, exactement : il devient le modèle qui ne vous a jamais vu.",
			parts: []wording{
				{title: "Ce que j’ai renvoyé", with: "Un article que vous avez renvoyé ne compte pas comme allant avec vos autres.", without: "Vos retours ne sont pas ouverts pour cela. Ce que vous avez renvoyé compte comme acheté."},
			},
		},
	},
}

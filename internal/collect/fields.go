package collect

import "thimble/internal/collect/table"

// The names that columns have, folded: English, German, French, Spanish, Italian and
// Dutch, as shop systems and spreadsheets write them. The first is the most telling.
var (
	numbers    = []string{"invoiceno", "invoice", "invoicenumber", "orderid", "orderno", "ordernumber", "order", "number", "bestellnummer", "bestellnr", "auftragsnummer", "auftragsnr", "rechnungsnummer", "rechnungsnr", "numerodecommande", "nocommande", "commande", "numerodepedido", "pedido", "numeroordine", "ordine", "ordernummer", "bestelnummer", "increment", "incrementid"}
	items      = []string{"stockcode", "sku", "item", "itemid", "itemcode", "product", "productid", "productcode", "variantsku", "lineitemsku", "artikelnummer", "artikelnr", "artnr", "artikel", "reference", "referencia", "ref", "codearticle", "codicearticolo", "codigo", "articulo", "articolo", "artikelcode", "mpn", "id", "itemnumber", "clothingid", "asin", "parentasin"}
	names      = []string{"description", "name", "title", "itemname", "productname", "producttitle", "producttitel", "lineitemname", "bezeichnung", "artikelbezeichnung", "artikelname", "produktname", "titel", "nom", "nomduproduit", "designation", "libelle", "nombre", "nombredelproducto", "descripcion", "nome", "descrizione", "naam", "productnaam", "omschrijving"}
	units      = []string{"quantity", "qty", "units", "lineitemquantity", "menge", "anzahl", "stueck", "stuck", "stuckzahl", "quantite", "qte", "cantidad", "unidades", "quantita", "qta", "aantal", "hoeveelheid", "itemquantity"}
	prices     = []string{"unitprice", "price", "itemprice", "lineitemprice", "variantprice", "preis", "einzelpreis", "stueckpreis", "stuckpreis", "vkpreis", "verkaufspreis", "prix", "prixunitaire", "pu", "prixdevente", "precio", "preciounitario", "pvp", "prezzo", "prezzounitario", "prijs", "stuksprijs", "regularprice", "itemcost", "unitcost"}
	times      = []string{"invoicedate", "date", "time", "datetime", "orderdate", "placedat", "createdat", "timestamp", "datum", "bestelldatum", "auftragsdatum", "rechnungsdatum", "datedecommande", "fecha", "fechadepedido", "data", "dataordine", "besteldatum", "datecreated", "purchasedate"}
	accounts   = []string{"customerid", "customer", "customerno", "customernumber", "account", "accountid", "accountnumber", "userid", "clientid", "memberid", "kundennummer", "kundennr", "kdnr", "kunde", "kundenid", "numeroclient", "noclient", "client", "codeclient", "numerodecliente", "cliente", "idcliente", "codicecliente", "klantnummer", "klantnr", "klant", "externalid", "reviewerid"}
	emails     = []string{"email", "emailaddress", "mail", "customeremail", "billingemail", "useremail", "emailadresse", "courriel", "adresseemail", "adressemail", "correo", "correoelectronico", "correoe", "posta", "postaelettronica", "indirizzoemail", "emailadres", "revieweremail", "authoremail"}
	phones     = []string{"phone", "phonenumber", "telephone", "mobile", "mobilephone", "cell", "cellphone", "tel", "telefon", "telefonnummer", "telefonnr", "handy", "handynummer", "mobil", "mobilnummer", "telephoneportable", "portable", "telefono", "movil", "celular", "cellulare", "telefoon", "telefoonnummer", "mobiel", "billingphone", "defaultaddressphone"}
	lands      = []string{"country", "countrycode", "countryregion", "shippingcountry", "billingcountry", "deliverycountry", "land", "laendercode", "landercode", "landercode2", "lieferland", "pays", "codepays", "pais", "codigopais", "paese", "nazione", "landcode", "defaultaddresscountrycode"}
	regions    = []string{"region", "state", "province", "provincecode", "county", "bundesland", "kanton", "departement", "provincia", "comunidadautonoma", "regione", "provincie", "defaultaddressprovincecode", "billingstate", "statecode"}
	birthdays  = []string{"birthday", "birthdate", "dateofbirth", "dob", "born", "geburtstag", "geburtsdatum", "geb", "datedenaissance", "naissance", "fechadenacimiento", "nacimiento", "datadinascita", "nascita", "geboortedatum", "geboren"}
	currencies = []string{"currency", "currencycode", "ordercurrency", "waehrung", "wahrung", "devise", "monnaie", "moneda", "divisa", "valuta"}
	categories = []string{"category", "categories", "producttype", "type", "productcategory", "kategorie", "kategorien", "warengruppe", "categorie", "rayon", "categoria", "familia", "productgroup", "department", "departmentname", "classname", "googleproductcategory", "standardproducttype", "customproducttype"}
	places     = []string{"location", "warehouse", "store", "place", "lager", "lagerort", "filiale", "standort", "entrepot", "magasin", "almacen", "tienda", "magazzino", "negozio", "magazijn", "winkel", "site", "branch"}
	levels     = []string{"stock", "stocklevel", "onhand", "available", "inventory", "inventoryquantity", "variantinventoryqty", "stockquantity", "qtyonhand", "quantityonhand", "bestand", "lagerbestand", "verfuegbar", "verfugbar", "quantiteenstock", "enstock", "existencias", "giacenza", "disponibilita", "voorraad", "quantity", "qty", "menge", "anzahl", "quantite", "cantidad", "quantita", "aantal", "availablenoteditable", "onhandnew", "onhandcurrent"}
	ratings    = []string{"rating", "stars", "score", "overall", "reviewrating", "bewertung", "sterne", "note", "etoiles", "puntuacion", "calificacion", "estrellas", "valutazione", "voto", "stelle", "beoordeling", "sterren"}
	bodies     = []string{"reviewtext", "review", "text", "body", "comment", "content", "reviewbody", "bewertungstext", "kommentar", "rezension", "avis", "commentaire", "texte", "resena", "comentario", "texto", "opinion", "recensione", "commento", "testo", "recensie", "tekst"}
	titles     = []string{"title", "reviewtitle", "summary", "headline", "titel", "ueberschrift", "uberschrift", "titre", "titulo", "titolo"}
)

func field(name, about string, names []string, shapes ...table.Shape) table.Field {
	return table.Field{Name: name, About: about, Names: names, Shapes: shapes}
}

func needed(f table.Field) table.Field { f.Need = true; return f }

func told(f table.Field, shapes ...table.Shape) table.Field { f.Tells = shapes; return f }

func dated(f table.Field) table.Field { f.Date = true; return f }

func priced(f table.Field) table.Field { f.Money = true; return f }

var (
	numbersOnly = []table.Shape{table.WholeShape, table.DecimalShape}
	moments     = []table.Shape{table.DateShape, table.WholeShape}

	emailField   = told(field("email", "the customer's e-mail address", emails, table.EmailShape), table.EmailShape)
	phoneField   = told(field("phone", "the customer's phone number, with its country", phones, table.PhoneShape, table.WholeShape), table.PhoneShape)
	countryField = told(field("country", "country, as a code or a name", lands, table.CodeShape, table.WordShape, table.TextShape), table.CodeShape)
)

var orderFields = []table.Field{
	needed(field("number", "the order's number", numbers)),
	needed(field("item", "the product's number (SKU)", items)),
	field("name", "the product's name", names),
	needed(field("units", "how many; negative for what came back", units, numbersOnly...)),
	dated(needed(field("time", "when it was ordered", times, moments...))),
	priced(needed(field("price", "price of one unit", prices, numbersOnly...))),
	field("customer", "the customer's number; empty for a guest", accounts),
	emailField, countryField,
	field("currency", "currency of the price, as a code", currencies, table.WordShape),
	field("returned", "whether the line came back: yes, or refunded", []string{"returned", "isreturn", "refunded", "financialstatus", "status", "orderstatus", "retour", "retoure", "zurueckgegeben", "rembourse", "devuelto", "reso", "geretourneerd"}),
	dated(field("returned_at", "when it came back", []string{"returnedat", "returndate", "refundedat", "refunddate", "retourdatum"}, moments...)),
}

var orderPresets = []table.Preset{
	// Shopify Help Center, "Exporting orders": one row a line item; what is said of the
	// order is on its first row only.
	{Name: "Shopify, orders export", Has: []string{"name", "financialstatus", "lineitemquantity", "lineitemname", "lineitemprice"}, Columns: map[string]string{
		"number": "name", "item": "lineitemsku", "name": "lineitemname", "units": "lineitemquantity", "time": "createdat", "price": "lineitemprice",
		"email": "email", "country": "shippingcountry", "currency": "currency", "returned": "financialstatus",
	}},
	// Shopify Admin REST API 2025-01, "Order", one object a line: what its webhooks bring.
	{Name: "Shopify, orders as objects", Has: []string{"createdat", "lineitemssku", "lineitemsquantity"}, Columns: map[string]string{
		"number": "name", "item": "lineitemssku", "name": "lineitemstitle", "units": "lineitemsquantity", "time": "createdat", "price": "lineitemsprice",
		"customer": "customerid", "country": "shippingaddresscountrycode", "currency": "currency", "returned": "financialstatus",
	}},
	// WooCommerce REST API v3, "Order properties", one object a line: what its webhooks bring.
	{Name: "WooCommerce, orders as objects", Has: []string{"datecreatedgmt", "lineitemssku", "lineitemsquantity"}, Columns: map[string]string{
		"number": "number", "item": "lineitemssku", "name": "lineitemsname", "units": "lineitemsquantity", "time": "datecreatedgmt", "price": "lineitemsprice",
		"email": "billingemail", "country": "shippingcountry", "currency": "currency", "returned": "status",
	}},
}

var customerFields = []table.Field{
	field("account", "the customer's number", append([]string{"id"}, accounts...)),
	emailField, phoneField,
	field("name", "the whole name", []string{"name", "fullname", "customername", "displayname", "vollstaendigername", "kundenname", "nomcomplet", "nombrecompleto", "nomecompleto", "naam"}),
	field("first_name", "the first name", []string{"firstname", "givenname", "forename", "billingfirstname", "vorname", "prenom", "nombre", "nome", "voornaam", "first"}),
	field("last_name", "the last name", []string{"lastname", "surname", "familyname", "billinglastname", "nachname", "familienname", "zuname", "nom", "nomdefamille", "apellido", "apellidos", "cognome", "achternaam", "last"}),
	countryField,
	field("region", "state or province; nothing finer is kept", regions),
	dated(field("birthday", "date of birth; only whether they are grown up is kept", birthdays, moments...)),
}

var customerPresets = []table.Preset{
	// Shopify Help Center, "Exporting customers": ids and phone numbers have an
	// apostrophe before them.
	{Name: "Shopify, customers export", Has: []string{"firstname", "lastname", "email", "acceptsemailmarketing"}, Columns: map[string]string{
		"account": "customerid", "email": "email", "phone": "phone", "first_name": "firstname", "last_name": "lastname",
		"country": "defaultaddresscountrycode", "region": "defaultaddressprovincecode",
	}},
	// WooCommerce, "Analytics: Customers report", downloaded.
	{Name: "WooCommerce, customers report", Has: []string{"username", "lastactive", "email", "orders", "totalspend", "countryregion"}, Columns: map[string]string{
		"account": "username", "email": "email", "name": "name", "country": "countryregion", "region": "region",
	}},
}

var productFields = []table.Field{
	needed(field("item", "the product's number (SKU)", items)),
	field("name", "the product's name", names),
	priced(field("price", "price of one unit", append([]string{"saleprice"}, prices...), numbersOnly...)),
	field("currency", "currency of the price, as a code", currencies, table.WordShape),
	field("category", "what kind of product", categories),
	dated(field("updated", "when it was last changed", []string{"updatedat", "lastmodified", "modified", "changed", "geaendertam", "datemodified"}, moments...)),
	field("brand", "who makes it", []string{"brand", "vendor", "manufacturer", "marke", "hersteller", "marque", "fabricant", "marca", "merk"}),
	field("colour", "its colour", []string{"color", "colour", "colourgroupname", "farbe", "couleur", "colore", "kleur", "attributepacolor"}),
	field("size", "the size of this variant", []string{"size", "groesse", "grosse", "taille", "talla", "taglia", "maat", "attributepasize"}),
	field("gender", "whom it is made for", []string{"gender", "audience", "geschlecht", "genre", "genero", "genere", "geslacht", "indexgroupname"}),
	field("age_group", "for which age", []string{"agegroup", "altersgruppe"}),
	field("material", "what it is made of", []string{"material", "matiere", "materiale", "materiaal", "fabric"}),
	field("season", "the season it is for", []string{"season", "saison", "temporada", "stagione", "seizoen", "collection"}),
	field("group", "what its variants share", []string{"itemgroupid", "parentid", "parentsku", "handle", "productgroupid", "vaterartikel"}),
	field("adult", "for grown-ups only", []string{"adult", "agerestricted", "ab18"}),
	field("availability", "whether it can be bought", []string{"availability", "stockstatus", "verfuegbarkeit", "verfugbarkeit", "disponibilite", "disponibilidad", "published"}),
	dated(field("since", "on sale since", []string{"availabilitydate", "onsalesince", "publishedat", "launchdate", "verkaufsstart"}, moments...)),
}

var productPresets = []table.Preset{
	// Shopify Help Center, "Using CSV files to import and export products".
	{Name: "Shopify, products export", Has: []string{"handle", "variantsku", "variantprice"}, Columns: map[string]string{
		"item": "variantsku", "name": "title", "price": "variantprice", "category": "type", "brand": "vendor", "group": "handle", "availability": "status",
	}},
	// WooCommerce, "Product CSV Importer and Exporter".
	{Name: "WooCommerce, products export", Has: []string{"sku", "name", "regularprice", "visibilityincatalog"}, Columns: map[string]string{
		"item": "sku", "name": "name", "price": "regularprice", "category": "categories", "group": "parent", "availability": "published", "brand": "brands",
	}},
	// Google Merchant Center, "Product data specification": RSS 2.0, Atom or tabs.
	{Name: "Google Merchant, product feed", Has: []string{"id", "title", "price", "availability"}, Columns: map[string]string{
		"item": "id", "name": "title", "price": "price", "category": "producttype", "brand": "brand", "colour": "color", "size": "size", "gender": "gender",
		"age_group": "agegroup", "material": "material", "group": "itemgroupid", "adult": "adult", "availability": "availability", "since": "availabilitydate",
	}},
}

var stockFields = []table.Field{
	needed(field("item", "the product's number (SKU)", items)),
	needed(field("units", "how many are there", levels, numbersOnly...)),
	field("place", "where they are: a shop or a warehouse", places),
	dated(field("at", "when they were counted", []string{"countedat", "at", "date", "updatedat", "datum", "fecha", "data", "stand", "asof", "timestamp"}, moments...)),
}

var stockPresets = []table.Preset{
	{Name: "Shopify, products export", Has: []string{"handle", "variantsku", "variantinventoryqty"}, Columns: map[string]string{
		"item": "variantsku", "units": "variantinventoryqty",
	}},
	{Name: "WooCommerce, products export", Has: []string{"sku", "stock", "visibilityincatalog"}, Columns: map[string]string{
		"item": "sku", "units": "stock",
	}},
}

var reviewFields = []table.Field{
	needed(field("item", "the product's number (SKU)", items)),
	needed(field("rating", "stars, from 1 to 5", ratings, numbersOnly...)),
	field("title", "the review's title", titles),
	field("text", "the review's text; what leads to a person in it is taken out", bodies),
	field("number", "the review's number", []string{"reviewid", "reviewnumber", "bewertungsid", "bewertungsnummer", "idavis", "idresena"}),
	field("customer", "the customer's number", accounts),
	emailField,
	dated(field("at", "when it was written", []string{"reviewdate", "createdat", "date", "writtenat", "at", "datum", "fecha", "data", "timestamp", "reviewtime"}, moments...)),
}

var consentFields = []table.Field{
	field("account", "the customer's number", accounts),
	emailField, phoneField,
	needed(field("purpose", "what the choice is for", []string{"purpose", "consenttype", "zweck", "finalite", "proposito", "finalita", "doel"})),
	needed(field("choice", "given, refused or withdrawn", []string{"choice", "state", "status", "consent", "answer", "einwilligung", "entscheidung", "consentement", "consentimiento", "consenso", "toestemming"})),
	dated(needed(field("at", "when it was chosen", []string{"chosenat", "at", "date", "timestamp", "consentedat", "consentdate", "optintime", "datum", "fecha", "data", "confirmtime"}, moments...))),
	field("where", "where it was chosen: a form, a shop", []string{"where", "source", "channel", "form", "quelle", "herkunft", "origine", "origen", "herkomst", "origin"}),
	field("text_version", "version of the text that was shown", []string{"textversion", "noticeversion", "version", "policyversion", "wording", "fassung"}),
	told(field("evidence", "SHA-256 of the shop's proof, in hex", []string{"evidence", "evidencesha256", "proof", "proofhash", "hash", "nachweis", "preuve", "prueba", "prova", "bewijs"}, table.HashShape), table.HashShape),
}

"""Words that the linter knows, as data: regular expressions by language, matched whatever the case.

``ARTIFICIAL`` covers every language that there is wording in; what is not enough is known in eight.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ACRONYMS = ("AI", "KI", "IA", "MI", "ИИ", "ШІ")
"""Capitals only: "ai" is a word in Italian and French."""

ARTIFICIAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ar": ("اصطناعي", "روبوت"),
        "bg": (r"изкуствен\w* интелект", r"изкуствено (?:създаден|генериран)\w*", r"робот\w*", r"чатбот\w*"),
        "cs": (r"umělá\w* inteligenc\w+", r"umělé inteligence", r"umělou inteligencí", r"uměle vytvořen\w*"),
        "da": (r"kunstig intelligens", r"kunstigt genereret", r"maskine\w*", "ikke et menneske"),
        "de": (
            r"künstlich\w* Intelligenz",
            r"künstlich (?:erzeugt|generiert)\w*",
            r"(?:Chat)?bots?",
            r"Roboter\w*",
            r"Maschinen?",
            r"kein(?:e|en|em)? (?:Menschen?|menschlich\w*)",
            r"nicht mit einem Menschen",
        ),
        "el": (r"τεχνητή\w* νοημοσύνη\w*", "τεχνητής νοημοσύνης", "τεχνητά", r"ρομπότ"),
        "en": (
            "artificial intelligence",
            r"artificially generated",
            r"(?:chat)?bots?",
            r"robots?",
            r"machines?(?! learning)",
            r"computer program(?:me)?",
            r"(?:not|no) (?:an? )?(?:human|person)(?: being)?",
            r"not (?:\w+ ){0,2}(?:to|with) (?:an? )?(?:human|person)(?: being)?",
            r"non-?human",
        ),
        "es": (
            "inteligencia artificial",
            r"generad[oa]s? artificialmente",
            r"(?:chat)?bots?",
            r"robots?",
            r"máquinas?",
            r"no (?:es |soy |(?:\w+ ){0,3}con )?(?:un |una )?(?:ser )?(?:humano|persona)",
        ),
        "et": (r"tehisintellekt\w*", r"tehisaru\w*", r"kunstlikult loodud"),
        "fi": (r"tekoäly\w*", "keinotekoisesti", r"botti\w*"),
        "fr": (
            "intelligence artificielle",
            r"générée?s? artificiellement",
            r"(?:chat)?bots?",
            r"robots?",
            "agent conversationnel",
            r"machines?(?! learning)",
            r"pas (?:avec |à )?(?:un |une )?(?:être )?(?:humaine?|personne)",
        ),
        "ga": ("intleacht shaorga", "hintleacht shaorga", "intleachta saorga", "meaisín"),
        "he": ("מלאכותי", "רובוט"),
        "hi": ("एआई", "कृत्रिम"),
        "hr": (r"umjetn\w+ inteligencij\w+", r"umjetno (?:stvoren|generiran)\w*"),
        "hu": (r"mesterséges\s?intelligenci\w+", r"mesterségesen"),
        "is": (r"gervigreind\w*", r"spjallmenni"),
        "it": (
            "intelligenza artificiale",
            r"generat[oaie] artificialmente",
            r"(?:chat)?bots?",
            "robot",
            "macchin[ae]",
            r"non (?:è |sono |(?:\w+ ){0,3}con )?(?:un |una )?(?:essere )?(?:uman[oa]|persona)",
        ),
        "ja": ("人工知能", "人工的"),
        "ko": ("인공지능", "인공적"),
        "lt": (r"dirbtin\w+ intelekt\w+", r"dirbtinai"),
        "lv": (r"mākslīg\w+ intelekt\w+", "mākslīgi"),
        "mt": ("intelliġenza artifiċjali", "artifiċjalment"),
        "nb": (r"kunstig intelligens", r"kunstig generert", "ikke et menneske"),
        "nl": (
            "kunstmatige intelligentie",
            "kunstmatig gegenereerd",
            r"(?:chat)?bots?",
            r"robots?",
            r"machines?(?! learning)",
            "geen mens",
            "niet met een mens",
        ),
        "pl": (
            r"sztuczn\w+ inteligencj\w+",
            r"sztucznie wygenerowan\w+",
            r"(?:chat)?bot(?:em|a|y)?",
            r"robot(?:em|a|y)?",
            r"maszyn\w+",
            r"nie (?:jest |jestem |(?:\w+ ){0,3}z )?człowiek\w*",
        ),
        "pt": (
            "inteligência artificial",
            r"gerad[oa]s? artificialmente",
            r"(?:chat)?bots?",
            "robôs?",
            r"máquinas?",
            r"não (?:é |sou |(?:\w+ ){0,3}com )?(?:um |uma )?(?:ser )?(?:humano|pessoa)",
        ),
        "ro": (r"inteligenț\w+ artificial\w+", r"generat\w* artificial", "robot"),
        "sk": (r"umel\w+ inteligenci\w+", r"umelo vytvoren\w*"),
        "sl": (r"umetn\w+ inteligenc\w+", r"umetno ustvarjen\w*"),
        "sv": ("artificiell intelligens", "konstgjord väg", r"maskin\w*", "inte en människa"),
        "tr": (r"yapay zek[âa]\w*", r"yapay olarak"),
        "uk": (r"штучн\w+ інтелект\w*", r"створен\w* штучно", r"робот\w*"),
        "zh-Hans": ("人工智能", "人工合成", "机器人"),
        "zh-Hant": ("人工智慧", "人工產生", "機器人"),
    }
)
"""What names the artificial nature of a counterpart or of content, beside the acronyms."""

ASSISTANT: Mapping[str, str] = MappingProxyType(
    {
        "de": r"\w*assistent\w*",
        "en": r"assistants?",
        "es": r"asistentes?",
        "fr": r"assistante?s?",
        "it": r"assistent[ei]",
        "nl": r"\w*assistente?n?",
        "pl": r"asystent\w*",
        "pt": r"assistentes?",
    }
)
"""What alone does not say that nobody is there."""

DENIAL: Mapping[str, str] = MappingProxyType(
    {
        "de": r"kein(?:e|en|em|er)? (?:KI|Maschine|Roboter|Bot|Chatbot)",
        "en": r"not (?:an? )?(?:AI|artificial intelligence|machine|bot|chatbot|robot)",
        "es": r"no (?:es |soy )?(?:una? )?(?:IA|máquina|bot|robot)",
        "fr": r"pas (?:une? )?(?:IA|machine|bot|robot)",
        "it": r"non (?:è |sono )?un(?:a |[’']| )(?:IA|macchina|bot|robot)",
        "nl": r"geen (?:AI|machine|bot|chatbot|robot)",
        "pl": r"nie (?:jest |jestem )?(?:AI|maszyn\w+|bot\w*|robot\w*)",
        "pt": r"não (?:é |sou )?(?:uma? )(?:IA|máquina|bot|robô)",
    }
)
"""What claims the opposite."""

TECHNIQUES = (
    r"LLMs?",
    r"GPT(?:-\w+)?",
    r"(?:large |big )?language models?",
    "machine learning",
    "deep learning",
    r"neural networks?",
    r"(?:große\w* )?Sprachmodell\w*",
    r"maschinelle\w* Lernen\w*",
    r"neuronale\w* Netz\w*",
    r"(?:grands )?modèles? (?:de langage|linguistiques?)",
    "apprentissage automatique",
    r"(?:grandes )?modelos? (?:de lenguaje|lingüísticos?)",
    "aprendizaje automático",
    r"(?:grandi )?modell[oi] linguistic[oi]",
    "apprendimento automatico",
    r"(?:grote )?taalmodel(?:len)?",
    r"(?:duż\w+ )?model\w* językow\w+",
    r"uczeni\w+ maszynow\w+",
    r"(?:grandes )?modelos? de linguagem",
    r"aprendizagem automática",
    r"aprendizado de máquina",
)
"""What a system may work by; naming it tells an expert something and others nothing."""

USES: Mapping[str, str] = MappingProxyType(
    {
        "de": r"nutz(?:t|en|e)|verwende[tn]?|setz(?:t|en)|basier(?:t|en) auf|beruh(?:t|en) auf|arbeite[tn] mit"
        r"|mithilfe(?: von)?|unterstützt (?:von|durch)|einsatz(?: von)?",
        "en": r"us(?:e|es|ed|ing)|employ(?:s|ed)?|utili[sz]e[sd]?|(?:powered|driven|supported|enhanced) by|based on"
        r"|built (?:on|with)|rel(?:y|ies) on|leverag(?:e|es|ing)|works? with|runs? on",
        "es": r"usa(?:n|mos|ndo)?|utiliza\w*|emplea\w*|basad[oa]s? en|funciona\w* con|impulsad[oa]s? por",
        "fr": r"utilis\w+|emploie\w*|(?:recour\w+|fait appel) à|basée?s? sur|fonctionne\w* (?:avec|grâce à)"
        r"|alimentée?s? par|s.appuie\w* sur|propulsée?s? par",
        "it": r"usa(?:no|ndo)?|usiamo|utilizza\w*|impiega\w*|basat[oaie] su\w*|si avval\w+ d\w+|funziona\w* con",
        "nl": r"gebruik(?:t|en|te)?(?: van)?|werkt met|werken met|gebaseerd op|aangedreven door|ondersteund door",
        "pl": r"używa\w*|korzysta\w*|wykorzystuj\w*|stosuj\w*|opiera\w* się na|opart\w+ na",
        "pt": r"usa(?:m|mos|ndo)?|utiliza\w*|emprega\w*|recorre\w* a|basead[oa]s? em|funciona\w* com",
    }
)
"""What somebody does with a technique."""

USED: Mapping[str, str] = MappingProxyType(
    {
        "de": r"(?:wird|werden)? ?(?:eingesetzt|genutzt|verwendet|nutz\w+|verwenden|einsetz\w+)",
        "en": r"(?:is|are|may be|being)? ?(?:used|employed)"
        r"|-?(?:powered|driven|based|enhanced) (?:services?|features?|tools?|websites?|platforms?|functions?)",
        "es": r"(?:se|es|son) (?:usa\w*|utiliza\w*)",
        "fr": r"(?:est|sont) (?:utilisée?s?|employée?s?)",
        "it": r"(?:è|sono|viene|vengono) (?:usat|utilizzat|impiegat)\w+",
        "nl": r"(?:wordt|worden)? ?(?:gebruikt|ingezet|toegepast)",
        "pl": r"(?:jest|są) (?:używan|wykorzystywan|stosowan)\w+",
        "pt": r"(?:é|são) (?:usad|utilizad)\w+",
    }
)
"""What is done with a technique, said after it."""

TERMS: Mapping[str, str] = MappingProxyType(
    {
        "de": r"AGB|Geschäftsbedingungen|Nutzungsbedingungen|Datenschutzerklärung|Impressum|Handbuch",
        "en": r"terms(?: and conditions| of (?:use|service))?|T&Cs?|privacy (?:policy|notice)|manual|imprint",
        "es": r"términos(?: y condiciones| de uso)?|condiciones (?:de uso|generales)|aviso legal"
        r"|política de privacidad",
        "fr": r"conditions (?:générales|d.utilisation)|CGU|CGV|mentions légales|politique de confidentialité",
        "it": r"termini(?: e condizioni| d.uso)?|condizioni (?:generali|d.uso)|informativa sulla privacy|note legali",
        "nl": r"(?:algemene |gebruiks)?voorwaarden|privacyverklaring|handleiding",
        "pl": r"regulamin\w*|polity\w+ prywatności|warunk\w+ korzystania",
        "pt": r"termos(?: e condições| de (?:uso|utilização|serviço))?|condições (?:gerais|de utilização)"
        r"|política de privacidade",
    }
)
"""Where nobody looks before they begin."""

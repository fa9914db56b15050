"""The wording of the notice, one row per language.

The headline names the artificial nature of the counterpart in plain words, as Article 50(1) of the EU AI Act asks;
the Commission's guidelines name "assistant", "services on this website use AI" and "uses LLMs" as not enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What the notice says in one language; ``label`` names it for screen readers."""

    headline: str
    detail: str
    button: str
    label: str


WORDING: Mapping[str, Wording] = MappingProxyType(
    {
        "en": Wording(
            headline="You are interacting with an AI system.",
            detail="What you receive here is made by a machine, not by a person.",
            button="I understand",
            label="AI notice",
        ),
        "de": Wording(
            headline="Sie interagieren mit einem KI-System.",
            detail="Was Sie hier erhalten, ist von einer Maschine erzeugt, nicht von einem Menschen.",
            button="Verstanden",
            label="KI-Hinweis",
        ),
        "fr": Wording(
            headline="Vous interagissez avec un système d’IA.",
            detail="Ce que vous recevez ici est produit par une machine, et non par une personne.",
            button="J’ai compris",
            label="Avis d’IA",
        ),
        "es": Wording(
            headline="Está interactuando con un sistema de IA.",
            detail="Lo que recibe aquí lo produce una máquina, no una persona.",
            button="Entendido",
            label="Aviso de IA",
        ),
        "it": Wording(
            headline="Stai interagendo con un sistema di IA.",
            detail="Ciò che ricevi qui è prodotto da una macchina, non da una persona.",
            button="Ho capito",
            label="Avviso di IA",
        ),
        "nl": Wording(
            headline="U communiceert met een AI-systeem.",
            detail="Wat u hier ontvangt, is door een machine gemaakt, niet door een mens.",
            button="Begrepen",
            label="AI-melding",
        ),
        "pl": Wording(
            headline="Prowadzisz interakcję z systemem AI.",
            detail="To, co tu otrzymujesz, tworzy maszyna, a nie człowiek.",
            button="Rozumiem",
            label="Informacja o AI",
        ),
        "pt": Wording(
            headline="Está a interagir com um sistema de IA.",
            detail="O que recebe aqui é produzido por uma máquina, não por uma pessoa.",
            button="Compreendi",
            label="Aviso de IA",
        ),
    }
)

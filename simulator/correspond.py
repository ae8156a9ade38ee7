"""Mail as it is written: from who said what when to letters with words, quotations and headers."""

from dataclasses import dataclass, field
from random import Random
from typing import Final

from simulator.company import History
from simulator.directory import Directory
from simulator.letters import Letter
from simulator.offers import Offers
from simulator.people import People, machines
from simulator.person import Person
from simulator.quoting import answer_subject, quote, signature
from simulator.said import ACCOUNT, AWAY, BOUNCE, BULK, DEAL, INTERNAL, PARTNER, Said
from simulator.topics import Language, draw_slots, language_with, load_language

_ALTERNATIVE: Final = 0.35
_ASIDE: Final = 0.3
_MOST_REFERENCES: Final = 12
_PAPERS: Final = {"pricing": "Quote.pdf", "contract": "Agreement.pdf", "invoice": "Invoice.pdf"}
_ATTACHED: Final = 0.5
_NAMING: Final = ("{named}: {subject}", "{subject} ({named})", "{named} - {subject}")
_TOPICS: Final = {
    "us": ("discovery", "demo", "contract", "rollout", "renewal", "meeting"),
    "them": ("pricing", "security", "support", "integration", "invoice", "reference", "expansion"),
}


@dataclass
class _Conversation:
    """A thread so far."""

    topic: str
    language: str
    subject: str
    slots: dict[str, str]
    about: str = ""
    references: list[str] = field(default_factory=list)
    last: Letter | None = None


class Correspondence:
    """Writes the letters of one month's talk, in order of time; threads end within it.

    Args:
        people: everybody.
        offers: what the deals are about.
        who: tells an account's name and language.
        history: names the company and its currency.
        rng: draws words alone.
    """

    def __init__(
        self, people: People, offers: Offers, who: Directory, history: History, rng: Random
    ) -> None:
        self._people, self._offers, self._who, self._rng = people, offers, who, rng
        self._scenario = history.scenario
        self._threads: dict[int, _Conversation] = {}

    def letter(self, said: Said) -> Letter:
        """Return the letter of a mail."""
        if said.kind == BULK:
            return self._newsletter(said)
        if said.kind in {AWAY, BOUNCE}:
            return self._by_machine(said)
        thread = self._threads.get(said.thread) or self._begun(said)
        letter = self._next(said, thread)
        thread.references.append(letter.message_id)
        thread.last = letter
        return letter

    def _begun(self, said: Said) -> _Conversation:
        rng, side = self._rng, "us" if said.by_us else "them"
        named = {INTERNAL: "internal", PARTNER: "partner"}.get(said.kind)
        topic = named or rng.choice(_TOPICS[side])
        outside = self._people.contact(said.contact).language if said.contact >= 0 else "en"
        code = language_with(outside, topic)
        slots = draw_slots(rng, code, self._scenario.deals.currency)
        slots["account"] = self._who.account_name[said.account] if said.account >= 0 else "Q3"
        subject = rng.choice(load_language(code).topics[topic].subjects).format(**slots)
        subject, about = self._named(said, code, self._ours(subject))
        thread = _Conversation(topic, code, subject, slots, about)
        self._threads[said.thread] = thread
        return thread

    def _named(self, said: Said, code: str, subject: str) -> tuple[str, str]:
        """Return the subject, and a first sentence or none: one of them may name the deal."""
        if said.kind not in {DEAL, ACCOUNT}:
            return subject, ""
        rng, talk = self._rng, self._offers.talk
        if named := self._offers.named(said, rng, talk.named_in_subject):
            return rng.choice(_NAMING).format(named=named, subject=subject), ""
        if named := self._offers.named(said, rng, talk.named_in_body):
            return subject, rng.choice(load_language(code).about).format(named=named) + " "
        return subject, ""

    def _next(self, said: Said, thread: _Conversation) -> Letter:
        sender, to, cc = self.parties(said)
        last, at = thread.last, said.at.astimezone(sender.zone)
        quotation = ""
        if last:
            whole = "\n\n".join(part for part in (last.text, last.signature) if part)
            author, to_name = last.sender, last.to[0].name
            quotation = quote(
                sender, author, to_name, last.at.astimezone(sender.zone), thread.subject, whole
            )
        text = self._text(said, thread, sender, to)
        return Letter(
            message_id=_message_id(said, sender),
            sender=sender,
            to=(to,),
            cc=cc,
            at=at,
            subject=answer_subject(thread.subject, sender) if last else thread.subject,
            text=text,
            signature=signature(sender),
            quotation=quotation,
            references=tuple(thread.references[-_MOST_REFERENCES:]),
            form=self._form(sender),
            attachment=self._attachment(thread.topic, said),
        )

    def parties(self, said: Said) -> tuple[Person, Person, tuple[Person, ...]]:
        """Return who writes, to whom, and who gets a copy."""
        us, them = self._people.rep(said.person), self._them(said)
        cc = []
        if said.copied >= 0:
            cc.append(self._people.contact(said.copied))
        if said.colleague >= 0 and said.kind != INTERNAL:
            cc.append(self._people.rep(said.colleague))
        if said.with_partner:
            cc.append(self._people.partners[said.thread % len(self._people.partners)])
        return (us, them, tuple(cc)) if said.by_us else (them, us, tuple(cc))

    def _them(self, said: Said) -> Person:
        people = self._people
        if said.kind == INTERNAL:
            return people.rep(said.colleague if said.colleague >= 0 else said.person)
        if said.kind == PARTNER:
            return people.partners[said.thread % len(people.partners)]
        return people.other(said.contact) if said.from_other else people.contact(said.contact)

    def _text(self, said: Said, thread: _Conversation, sender: Person, to: Person) -> str:
        rng, language = self._rng, load_language(thread.language)
        side = "us" if said.by_us else "them"
        words = rng.choice(self._steps(language, thread.topic, side, said.step))
        words = words if said.step else thread.about + words
        if rng.random() < _ASIDE:
            words += " " + rng.choice(language.asides[side])
        slots = thread.slots | {"first": to.first_name, "peer": rng.choice(language.peers)}
        closing = rng.choice(language.closings[side])
        greeting = rng.choice(language.greetings)
        text = f"{greeting}\n\n{words}\n\n{closing}\n{sender.first_name}".format(**slots)
        return self._ours(text)

    def _steps(self, language: Language, topic: str, side: str, step: int) -> tuple[str, ...]:
        """Return what may be said: the topic's turn of this side, then what people add."""
        turns = [turn.say for turn in language.topics[topic].steps if turn.by == side]
        place = step // 2
        return turns[place] if place < len(turns) else language.asides[side]

    def _ours(self, text: str) -> str:
        """Put our own name where the phrases name the demo's company."""
        return text.replace("Brightwater", self._scenario.name.split()[0])

    def _form(self, sender: Person) -> str:
        if sender.client == "html":
            return "html"
        may = sender.client != "apple" and self._rng.random() < _ALTERNATIVE
        return "alternative" if may else "plain"

    def _attachment(self, topic: str, said: Said) -> str:
        paper = _PAPERS.get(topic, "") if said.by_us else ""
        return paper if paper and self._rng.random() < _ATTACHED else ""

    def _newsletter(self, said: Said) -> Letter:
        sender = self._people.newsletters[said.level]
        subject = self._rng.choice(machines()["news"][said.level]["subjects"])
        text = f"{subject}\n\nYou get this because you subscribed. Unsubscribe with one click."
        headers = {
            "List-Id": f"<news.{sender.domain}>",
            "List-Unsubscribe": f"<mailto:leave@{sender.domain}>",
            "Precedence": "bulk",
        }
        return Letter(
            message_id=_message_id(said, sender),
            sender=sender,
            to=(self._people.rep(said.person),),
            at=said.at,
            subject=subject,
            text=text,
            form="alternative",
            headers=headers,
        )

    def _by_machine(self, said: Said) -> Letter:
        """Return an out-of-office reply or a bounce, to the thread's last mail."""
        thread = self._threads[said.thread]
        absent = self._people.contact(said.contact)
        sender = absent if said.kind == AWAY else self._people.daemon
        reply = machines()["away"][absent.language]
        subject, text = (
            (reply["subject"].format(subject=thread.subject), reply["text"].format(**thread.slots))
            if said.kind == AWAY
            else (
                "Undelivered Mail Returned to Sender",
                f"Your message could not be delivered to\n\n    {absent.address}\n\n550 5.1.1",
            )
        )
        headers = {"Auto-Submitted": "auto-replied"}
        if said.kind == BOUNCE:
            headers["X-Failed-Recipients"] = absent.address
        return Letter(
            message_id=_message_id(said, sender),
            sender=sender,
            to=(self._people.rep(said.person),),
            at=said.at,
            subject=subject,
            text=text,
            references=tuple(thread.references[-_MOST_REFERENCES:]),
            headers=headers,
        )


def _message_id(said: Said, sender: Person) -> str:
    return f"{said.thread:07}.{said.number:09}@{sender.domain}"

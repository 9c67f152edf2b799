"""Response curves: the families, tables and tabulated draws."""

from optimizer.curves.concave import ExponentialCurve, LogCurve, LogisticCurve, PowerCurve
from optimizer.curves.curve import BestResponse, Curve, TotalResponse
from optimizer.curves.draws import DrawCurves, TabulatedDraws
from optimizer.curves.fast import compiled_from
from optimizer.curves.hill import HillCurve, MichaelisMentenCurve, hill_response
from optimizer.curves.mixed import MixedCurve, mixed
from optimizer.curves.table import TableCurve

__all__ = [
    "BestResponse",
    "Curve",
    "DrawCurves",
    "ExponentialCurve",
    "HillCurve",
    "LogCurve",
    "LogisticCurve",
    "MichaelisMentenCurve",
    "MixedCurve",
    "PowerCurve",
    "TableCurve",
    "TabulatedDraws",
    "TotalResponse",
    "compiled_from",
    "hill_response",
    "mixed",
]

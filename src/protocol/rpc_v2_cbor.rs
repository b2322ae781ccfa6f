//! Smithy RPC v2 CBOR: [`RpcV2`] with documents in CBOR.

use super::Malformed;
use super::rpc_v2::RpcV2;
use crate::codec::cbor;
use crate::model::schema::{Service, ShapeIndex};
use crate::value::Value;

/// The protocol.
pub static RPC_V2_CBOR: RpcV2 = RpcV2 {
    id: "smithy.protocols#rpcv2Cbor",
    name: "rpc-v2-cbor",
    content_type: "application/cbor",
    decode,
    encode: cbor::encode,
    encode_texts: cbor::encode_texts,
};

fn decode(service: &Service, shape: Option<ShapeIndex>, body: &[u8]) -> Result<Value, Malformed> {
    cbor::decode(service, shape, body).map_err(|error| Malformed(format!("the body is not CBOR: {error}")))
}
